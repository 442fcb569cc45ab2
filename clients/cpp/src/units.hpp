// Units of measurement: reads expressions such as "um/sqrt(cm)" and gives the exact factor between two of them.

#pragma once

#include "bigint.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace driftline {

/// The exact factor f with 1 given = f declared; nothing where `given` is no unit, measures something else, or differs
/// by an irrational factor. Micro is u, U+00B5 or U+03BC.
std::optional<Ratio> conversion_factor(std::string_view given, std::string_view declared);
/// What is wrong with a unit that does not convert.
std::string unit_problem(std::string_view given, std::string_view declared);
/// Some other units for the same quantity: the declared unit with its first symbol changed.
std::vector<std::string> compatible_units(const std::string& declared);

}  // namespace driftline
