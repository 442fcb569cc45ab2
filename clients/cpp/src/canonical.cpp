// nlohmann::json keeps members sorted and writes strings as RFC 8785 asks; there are no fractions in a key.

#include "canonical.hpp"

#include "json.hpp"

namespace driftline {

std::string canonical_form(const std::string& family, std::int64_t version, const std::map<std::string, std::string>& conditions,
                           const std::map<std::string, std::string>& software) {
  // An empty map would be written as null.
  const auto object = [](const std::map<std::string, std::string>& values) {
    Json json = Json::object();
    for (const auto& [name, value] : values) json[name] = value;
    return json;
  };
  return Json{{"conditions", object(conditions)},
              {"family", family},
              {"familyVersion", version},
              {"scheme", "driftline-key/1"},
              {"software", object(software)}}
      .dump();
}

}  // namespace driftline
