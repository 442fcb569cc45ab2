// A unit is its dimensions and a scale; the scale is kept squared so that square roots stay rational.

#include "units.hpp"

#include "unicode.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>

namespace driftline {
namespace {

struct Unit {
  /// Dimension to twice its exponent.
  std::map<std::string, int> dimensions;
  /// Square of the size in base units.
  Ratio square;
};

struct Symbol {
  std::string_view name;
  /// Size in base units: numerator × 10^exponent / denominator.
  std::string_view numerator;
  int exponent;
  std::string_view denominator;
  /// Base units and their exponents.
  std::string_view dimensions;
  bool takes_prefix;
};

// The elementary charge and the speed of light are exact by the definition of the SI (2019). Degrees and radians differ
// by an irrational factor, so that each is a dimension of its own.
constexpr std::array<Symbol, 32> symbols = {{
    {"1", "1", 0, "1", "", false},
    {"%", "1", -2, "1", "", false},
    {"ppm", "1", -6, "1", "", false},
    {"m", "1", 0, "1", "m1", true},
    {"g", "1", -3, "1", "kg1", true},
    {"s", "1", 0, "1", "s1", true},
    {"min", "60", 0, "1", "s1", false},
    {"h", "3600", 0, "1", "s1", false},
    {"A", "1", 0, "1", "A1", true},
    {"K", "1", 0, "1", "K1", true},
    {"Hz", "1", 0, "1", "s-1", true},
    {"N", "1", 0, "1", "kg1 m1 s-2", true},
    {"J", "1", 0, "1", "kg1 m2 s-2", true},
    {"W", "1", 0, "1", "kg1 m2 s-3", true},
    {"C", "1", 0, "1", "A1 s1", true},
    {"V", "1", 0, "1", "kg1 m2 s-3 A-1", true},
    {"F", "1", 0, "1", "kg-1 m-2 s4 A2", true},
    {"Ohm", "1", 0, "1", "kg1 m2 s-3 A-2", true},
    {"T", "1", 0, "1", "kg1 s-2 A-1", true},
    {"G", "1", -4, "1", "kg1 s-2 A-1", true},
    {"Pa", "1", 0, "1", "kg1 m-1 s-2", true},
    {"bar", "1", 5, "1", "kg1 m-1 s-2", true},
    {"atm", "101325", 0, "1", "kg1 m-1 s-2", false},
    {"Torr", "101325", 0, "760", "kg1 m-1 s-2", false},
    {"eV", "1602176634", -28, "1", "kg1 m2 s-2", true},
    {"c", "299792458", 0, "1", "m1 s-1", false},
    {"deg", "1", 0, "1", "deg1", false},
    {"rad", "1", 0, "1", "rad1", true},
    {"ADC", "1", 0, "1", "ADC1", false},
    {"bin", "1", 0, "1", "bin1", false},
    {"pad", "1", 0, "1", "pad1", false},
    {"electron", "1", 0, "1", "electron1", false},
}};

int prefix_exponent(char prefix) {
  static constexpr std::string_view letters = "fpnumchkMGTP";
  static constexpr std::array<int, 12> exponents = {-15, -12, -9, -6, -3, -2, 2, 3, 6, 9, 12, 15};
  const std::size_t found = letters.find(prefix);
  return found == std::string_view::npos ? 0 : exponents[found];
}

Unit sized(const Symbol& symbol, int prefix) {
  const int exponent = symbol.exponent + prefix;
  const BigInt numerator = BigInt(std::string(symbol.numerator)) * BigInt::power_of_ten(std::max(0, exponent));
  const BigInt denominator = BigInt(std::string(symbol.denominator)) * BigInt::power_of_ten(std::max(0, -exponent));
  Unit unit{{}, {numerator * numerator, denominator * denominator}};
  for (std::size_t at = 0; at < symbol.dimensions.size();) {
    const std::size_t end = std::min(symbol.dimensions.find(' ', at), symbol.dimensions.size());
    const std::string_view part = symbol.dimensions.substr(at, end - at);
    const std::size_t number = part.find_first_of("-0123456789");
    const bool is_negative = part[number] == '-';
    const int size = part.back() - '0';
    unit.dimensions[std::string(part.substr(0, number))] = is_negative ? -2 * size : 2 * size;
    at = end + 1;
  }
  return unit;
}

std::optional<Unit> symbol_unit(std::string_view text) {
  for (const Symbol& symbol : symbols)
    if (symbol.name == text) return sized(symbol, 0);
  if (text.size() < 2) return std::nullopt;
  const int prefix = prefix_exponent(text[0]);
  for (const Symbol& symbol : symbols)
    if (prefix != 0 && symbol.takes_prefix && symbol.name == text.substr(1)) return sized(symbol, prefix);
  return std::nullopt;
}

Unit multiply(const Unit& a, const Unit& b) {
  Unit product{a.dimensions,
               {a.square.numerator * b.square.numerator, a.square.denominator * b.square.denominator}};
  for (const auto& [name, twice] : b.dimensions) product.dimensions[name] += twice;
  return product;
}

Unit power(const Unit& unit, int exponent) {
  const int size = exponent < 0 ? -exponent : exponent;
  Unit result{{}, {unit.square.numerator.power(size), unit.square.denominator.power(size)}};
  if (exponent < 0) std::swap(result.square.numerator, result.square.denominator);
  for (const auto& [name, twice] : unit.dimensions) result.dimensions[name] = twice * exponent;
  return result;
}

/// Nothing for a root of a root: no quantity has a unit with fourth roots.
std::optional<Unit> root(const Unit& unit) {
  auto size = square_root(unit.square);
  if (!size) return std::nullopt;
  Unit result{{}, std::move(*size)};
  for (const auto& [name, twice] : unit.dimensions) {
    if (twice % 2 != 0) return std::nullopt;
    result.dimensions[name] = twice / 2;
  }
  return result;
}

bool same_dimensions(const Unit& a, const Unit& b) {
  const auto covers = [](const Unit& one, const Unit& other) {
    return std::all_of(one.dimensions.begin(), one.dimensions.end(), [&](const auto& dimension) {
      const auto found = other.dimensions.find(dimension.first);
      return dimension.second == (found == other.dimensions.end() ? 0 : found->second);
    });
  };
  return covers(a, b) && covers(b, a);
}

/// Symbols, exponents such as "^-2" with one digit, and single characters; spaces between them mean nothing.
std::vector<std::string> tokens_of(std::u32string_view text) {
  const auto is_letter = [](char32_t c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == 0xB5 || c == 0x3BC;
  };
  const auto is_digit = [](char32_t c) { return c >= '0' && c <= '9'; };
  std::vector<std::string> tokens;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at + 1;
    std::string token;
    if (text[at] == ' ') {
      at++;
      continue;
    }
    if (is_letter(text[at])) {
      while (end < text.size() && is_letter(text[end])) end++;
      for (std::size_t i = at; i < end; i++) token += text[i] < 0x80 ? static_cast<char>(text[i]) : 'u';
    } else if (text[at] == '^') {
      std::size_t next = end;
      const auto skip = [&] {
        while (next < text.size() && text[next] == ' ') next++;
      };
      skip();
      const bool is_negative = next < text.size() && text[next] == '-';
      if (is_negative) next++;
      skip();
      token = "^";
      if (next < text.size() && is_digit(text[next]) && (next + 1 == text.size() || !is_digit(text[next + 1]))) {
        token += is_negative ? "-" : "";
        token += static_cast<char>(text[next]);
        end = next + 1;
      }
    } else {
      // Characters beyond ASCII belong to no unit; any that stands for nothing will do.
      token = text[at] < 0x80 ? std::string(1, static_cast<char>(text[at])) : "?";
    }
    tokens.push_back(std::move(token));
    at = end;
  }
  return tokens;
}

/// unit = factor { ("*" | "/") factor }; factor = "(" unit ")" | "sqrt(" unit ")" | symbol [ "^" [ "-" ] digit ].
class Parser {
 public:
  explicit Parser(std::vector<std::string> tokens) : tokens_(std::move(tokens)) {}

  std::optional<Unit> parse() {
    auto unit = product();
    return next_ == tokens_.size() ? unit : std::nullopt;
  }

 private:
  std::string_view peek() const { return next_ < tokens_.size() ? std::string_view(tokens_[next_]) : ""; }

  bool take(std::string_view token) {
    const bool found = peek() == token && !token.empty();
    if (found) next_++;
    return found;
  }

  std::optional<Unit> product() {
    auto unit = factor();
    while (unit && (peek() == "*" || peek() == "/")) {
      const int sign = tokens_[next_++] == "*" ? 1 : -1;
      const auto other = factor();
      if (!other) return std::nullopt;
      unit = multiply(*unit, power(*other, sign));
    }
    return unit;
  }

  std::optional<Unit> factor() {
    const bool is_root = take("sqrt");
    if (take("(")) {
      const auto inner = product();
      if (!inner || !take(")")) return std::nullopt;
      return is_root ? root(*inner) : inner;
    }
    if (is_root || next_ == tokens_.size()) return std::nullopt;
    const auto unit = symbol_unit(tokens_[next_++]);
    const std::string_view exponent = peek();
    if (!unit || exponent.size() < 2 || exponent[0] != '^') return unit;
    next_++;
    const int size = exponent.back() - '0';
    return power(*unit, exponent[1] == '-' ? -size : size);
  }

  std::vector<std::string> tokens_;
  std::size_t next_ = 0;
};

std::optional<Unit> parse_unit(std::string_view text) {
  constexpr std::size_t max_length = 64;
  const auto points = decode_utf8(text);
  if (!points || utf16_length(*points) > max_length) return std::nullopt;
  return Parser(tokens_of(*points)).parse();
}

}  // namespace

std::optional<Ratio> conversion_factor(std::string_view given, std::string_view declared) {
  const auto from = parse_unit(given), to = parse_unit(declared);
  if (!from || !to || !same_dimensions(*from, *to)) return std::nullopt;
  return square_root({from->square.numerator * to->square.denominator,
                      from->square.denominator * to->square.numerator});
}

std::string unit_problem(std::string_view given, std::string_view declared) {
  const auto from = parse_unit(given), to = parse_unit(declared);
  if (!from || !to) return "is not a known unit";
  const std::string name(declared);
  return same_dimensions(*from, *to) ? "differs from " + name + " by an irrational factor, which has no exact conversion"
                                     : "does not measure the same quantity as " + name;
}

std::vector<std::string> compatible_units(const std::string& declared) {
  static constexpr std::array<std::string_view, 30> alternatives = {
      "um", "mm", "cm", "m",   "ns",   "us",  "ms", "s",   "Hz",  "kHz", "MHz", "V",  "kV", "mT", "T",
      "G",  "kG", "Pa", "hPa", "mbar", "bar", "eV", "keV", "MeV", "GeV", "fC",  "pC", "K",  "%",  "1"};
  const auto is_letter = [](char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; };
  std::size_t begin = 0, end = 0;
  for (; begin < declared.size(); begin = end) {
    end = begin + 1;
    if (declared[begin] == '1' || declared[begin] == '%') break;
    if (!is_letter(declared[begin])) continue;
    while (end < declared.size() && is_letter(declared[end])) end++;
    if (end == declared.size() || declared[end] != '(') break;
  }
  std::vector<std::string> found;
  const std::string first = declared.substr(begin, end - begin);
  const auto unit = symbol_unit(first);
  if (!unit) return found;
  for (const std::string_view symbol : alternatives) {
    if (symbol == first || !same_dimensions(*unit, *symbol_unit(symbol))) continue;
    std::string text = declared.substr(0, begin) + std::string(symbol) + declared.substr(end);
    if (conversion_factor(text, declared)) found.push_back(std::move(text));
  }
  return found;
}

}  // namespace driftline
