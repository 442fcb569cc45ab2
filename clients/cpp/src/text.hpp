// Words in keys and in messages.

#pragma once

#include <driftline/family.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace driftline {

/// The known name that a mistyped one most likely meant; empty where none is near enough.
std::string nearest_name(std::string_view given, const std::vector<std::string>& names);
/// "Did you mean x? ", or nothing.
std::string did_you_mean(std::string_view given, const std::vector<std::string>& names);
std::string joined(const std::vector<std::string>& texts, std::string_view between = ", ");

struct Normalised {
  std::string word;
  /// What is wrong with it; empty where nothing is.
  std::string problem;
};
/// The word in normalisation form C.
Normalised normalise_word(const std::string& given);

std::string label(const Condition& condition, const Value& given);
std::string software_version(const SoftwareComponent& component, const Value& given);

}  // namespace driftline
