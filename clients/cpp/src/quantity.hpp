// Quantities: a number with a unit as someone writes it becomes a multiple of the family's grid, in exact arithmetic.

#pragma once

#include <driftline/family.hpp>

#include <string>

namespace driftline {

/// From "5.45 cm/us", "54.5 mm/us", "5.45" or 5.45 to the canonical decimal string in the declared unit. Throws
/// `invalid_quantity`, `wrong_unit` or `out_of_range`.
std::string quantity(const Condition& condition, const Value& given);

/// |a - b| in units of the tolerance: 0 for equal values, infinity for others where the tolerance is zero. Both are
/// canonical decimal strings in the declared unit.
double tolerance_distance(const Condition& condition, const std::string& a, const std::string& b);

/// A value without a grid, as a float64 in `unit`: for a bundle that has no definition of its family.
double quantity_in(const std::string& name, const std::string& unit, const Value& given);

}  // namespace driftline
