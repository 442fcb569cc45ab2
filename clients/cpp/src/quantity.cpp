// Reading quantities, and what to say where there is none.

#include "quantity.hpp"

#include "bigint.hpp"
#include "text.hpp"
#include "unicode.hpp"
#include "units.hpp"

#include <driftline/error.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace driftline {
namespace {

constexpr std::size_t max_length = 200;

std::string allowed(const Condition& condition) {
  auto others = compatible_units(*condition.unit);
  if (others.size() > 4) others.resize(4);
  const std::string shown = *condition.unit == "1" ? "" : " " + *condition.unit;
  const std::string also = others.empty() ? "" : " (" + joined(others) + " are converted)";
  return "Give a decimal number from " + condition.minimum + " to " + condition.maximum + shown + ", such as \"" +
         condition.minimum + shown + "\"" + also + ".";
}

Error problem(const Condition& condition, const char* code, const Value& given, const std::string& what,
              const std::string& remedy = "") {
  return Error(code, "Condition " + condition.name + ": " + given.quoted() + " " + what + ".",
               "conditions." + condition.name, remedy.empty() ? allowed(condition) : remedy);
}

Error not_a_number(const Condition& condition, const Value& given) {
  return problem(condition, "invalid_quantity", given, "is not a decimal number with a unit");
}

/// Without the spaces at its ends; other white space is not to be guessed at.
std::string_view without_spaces(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(' ');
  if (begin == std::string_view::npos) return "";
  return text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

std::string text_of(const Condition& condition, const Value& given) {
  if (const std::string* text = given.text()) {
    const auto points = decode_utf8(*text);
    if (!points || utf16_length(*points) > max_length) throw not_a_number(condition, given);
    return std::string(without_spaces(*text));
  }
  const double* number = given.number();
  if (!number || !std::isfinite(*number)) throw not_a_number(condition, given);
  if (std::abs(*number) > 9007199254740991.0)
    throw problem(condition, "invalid_quantity", given, "is beyond 2^53, where numbers are no longer exact",
                  "Write it as a string.");
  return shortest_text(*number);
}

bool looks_like_a_unit(std::string_view unit, std::string_view whole) {
  const auto points = decode_utf8(unit);
  const char32_t first = points && !points->empty() ? points->front() : 0;
  const bool can_begin = (first >= 'A' && first <= 'Z') || (first >= 'a' && first <= 'z') || first == 0xB5 ||
                         first == 0x3BC || first == '%' || first == '(';
  std::size_t at = std::min(whole.find_first_not_of(" \t\r\n\f\v"), whole.size());
  if (at < whole.size() && (whole[at] == '+' || whole[at] == '-')) at++;
  const bool is_radix = at + 1 < whole.size() && whole[at] == '0' &&
                        std::string_view("xXoObB").find(whole[at + 1]) != std::string_view::npos;
  return can_begin && !is_radix;
}

/// Given units in one declared unit.
Ratio factor_of(const Condition& condition, const Value& given, std::string_view text, std::string_view unit) {
  if (unit.empty()) return {BigInt(1), BigInt(1)};
  auto factor = conversion_factor(unit, *condition.unit);
  if (factor) return std::move(*factor);
  // What follows the number is no attempt at a unit: thousands separators, decimal commas, hexadecimal digits.
  if (!looks_like_a_unit(unit, text)) throw not_a_number(condition, given);
  throw problem(condition, "wrong_unit", given,
                "is in " + std::string(unit) + ", which " + unit_problem(unit, *condition.unit));
}

BigInt steps_of(const std::string& value, const Decimal& grid) {
  const auto [whole, step] = align(trusted_decimal(value), grid);
  return whole / step;
}

}  // namespace

std::string quantity(const Condition& condition, const Value& given) {
  const std::string text = text_of(condition, given);
  const auto read = read_number(text);
  if (!read) throw not_a_number(condition, given);
  const Decimal grid = trusted_decimal(condition.grid);
  const Ratio factor = factor_of(condition, given, text, without_spaces(read->rest));
  const auto [one, step] = align({BigInt(1), 0}, grid);
  const auto& [digits, exponent] = read->value;
  const BigInt numerator = digits * factor.numerator * one * BigInt::power_of_ten(std::max(0, exponent));
  const BigInt denominator = factor.denominator * step * BigInt::power_of_ten(std::max(0, -exponent));
  const BigInt steps = divide_half_even(numerator, denominator);
  const std::string value = format_decimal({steps * grid.digits, grid.exponent});
  const bool is_below = steps < steps_of(condition.minimum, grid);
  if (is_below || steps > steps_of(condition.maximum, grid)) {
    const std::string side = is_below ? "below " + condition.minimum : "above " + condition.maximum;
    const std::string rounded =
        text == value || value.size() > 40 ? "" : " (on the grid it is " + value + " " + *condition.unit + ")";
    throw problem(condition, "out_of_range", given, "is " + side + " " + *condition.unit + rounded);
  }
  return value;
}

double tolerance_distance(const Condition& condition, const std::string& a, const std::string& b) {
  if (a == b) return 0;
  const auto [first, second] = align(trusted_decimal(a), trusted_decimal(b));
  const int exponent = std::min(trusted_decimal(a).exponent, trusted_decimal(b).exponent);
  const auto [apart, tolerance] =
      align({(first - second).absolute(), exponent}, trusted_decimal(condition.tolerance));
  if (tolerance.is_zero()) return std::numeric_limits<double>::infinity();
  return apart.number() / tolerance.number();
}

double quantity_in(const std::string& name, const std::string& unit, const Value& given) {
  Condition condition;
  condition.name = name;
  condition.unit = unit;
  condition.minimum = "0";
  condition.maximum = "1";
  const std::string text = text_of(condition, given);
  const auto read = read_number(text);
  const std::string remedy = "Give a decimal number in " + unit + ".";
  if (!read) throw problem(condition, "invalid_quantity", given, "is not a decimal number with a unit", remedy);
  const Ratio factor = factor_of(condition, given, text, without_spaces(read->rest));
  const auto& [digits, exponent] = read->value;
  const BigInt over = digits * factor.numerator * BigInt::power_of_ten(std::max(0, exponent));
  return over.number() / (factor.denominator * BigInt::power_of_ten(std::max(0, -exponent))).number();
}

}  // namespace driftline
