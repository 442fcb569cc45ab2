// JSON as the formats of the platform have it.

#pragma once

#include <nlohmann/json.hpp>

#include <map>
#include <string>
#include <string_view>

namespace driftline {

using Json = nlohmann::json;

/// Parses text that must be JSON in UTF-8; throws std::invalid_argument saying where it is not.
inline Json parse_json(std::string_view text) {
  try {
    return Json::parse(text.begin(), text.end());
  } catch (const Json::exception& error) {
    throw std::invalid_argument(error.what());
  }
}

inline std::map<std::string, std::string> texts_of(const Json& json) {
  return json.get<std::map<std::string, std::string>>();
}

/// A member that may be null or missing.
inline std::string text_or_empty(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found == json.end() || found->is_null() ? "" : found->get<std::string>();
}

}  // namespace driftline
