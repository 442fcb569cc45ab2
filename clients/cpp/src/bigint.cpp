// Exact arithmetic on libcrypto's BIGNUM.

#include "bigint.hpp"

#include <openssl/bn.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <new>

namespace driftline {
namespace {

void must(bool succeeded) {
  // Only memory can fail here: operands are checked before.
  if (!succeeded) throw std::bad_alloc();
}

struct FreeContext {
  void operator()(BN_CTX* context) const noexcept { BN_CTX_free(context); }
};

std::unique_ptr<BN_CTX, FreeContext> context() {
  std::unique_ptr<BN_CTX, FreeContext> made(BN_CTX_new());
  must(made != nullptr);
  return made;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

constexpr int max_digits = 100;
constexpr int max_exponent = 100;

/// Newton's method on whole numbers; nothing where the root is not whole.
std::optional<BigInt> whole_root(const BigInt& square) {
  BigInt root = BigInt::one_shifted_left((square.bits() + 1) / 2);
  while (root * root > square) root = (root + square / root).half();
  if (root * root != square) return std::nullopt;
  return root;
}

BigInt greatest_divisor(BigInt a, BigInt b) {
  while (!b.is_zero()) {
    BigInt rest = a - a / b * b;
    a = std::move(b);
    b = std::move(rest);
  }
  return a;
}

}  // namespace

void BigInt::Free::operator()(bignum_st* number) const noexcept { BN_free(number); }

BigInt::BigInt(long value) : number_(BN_new()) {
  must(number_ != nullptr);
  must(BN_set_word(number_.get(), static_cast<BN_ULONG>(std::labs(value))) == 1);
  BN_set_negative(number_.get(), value < 0 ? 1 : 0);
}

BigInt::BigInt(const std::string& digits) {
  BIGNUM* made = nullptr;
  must(BN_dec2bn(&made, digits.c_str()) != 0);
  number_.reset(made);
}

BigInt::BigInt(const BigInt& other) : number_(BN_dup(other.number_.get())) { must(number_ != nullptr); }

BigInt& BigInt::operator=(const BigInt& other) {
  if (this != &other) *this = BigInt(other);
  return *this;
}

BigInt BigInt::power_of_ten(int exponent) { return BigInt("1" + std::string(static_cast<std::size_t>(exponent), '0')); }

BigInt BigInt::one_shifted_left(int bits) {
  BigInt result(1);
  must(BN_lshift(result.number_.get(), result.number_.get(), bits) == 1);
  return result;
}

BigInt operator+(const BigInt& a, const BigInt& b) {
  BigInt result;
  must(BN_add(result.number_.get(), a.number_.get(), b.number_.get()) == 1);
  return result;
}

BigInt operator-(const BigInt& a, const BigInt& b) {
  BigInt result;
  must(BN_sub(result.number_.get(), a.number_.get(), b.number_.get()) == 1);
  return result;
}

BigInt operator*(const BigInt& a, const BigInt& b) {
  BigInt result;
  must(BN_mul(result.number_.get(), a.number_.get(), b.number_.get(), context().get()) == 1);
  return result;
}

BigInt operator/(const BigInt& a, const BigInt& b) {
  BigInt result;
  must(BN_div(result.number_.get(), nullptr, a.number_.get(), b.number_.get(), context().get()) == 1);
  return result;
}

bool operator<(const BigInt& a, const BigInt& b) { return BN_cmp(a.number_.get(), b.number_.get()) < 0; }
bool operator==(const BigInt& a, const BigInt& b) { return BN_cmp(a.number_.get(), b.number_.get()) == 0; }

BigInt BigInt::power(int exponent) const {
  BigInt result(1);
  for (int i = 0; i < exponent; i++) result = result * *this;
  return result;
}

BigInt BigInt::absolute() const {
  BigInt result(*this);
  BN_set_negative(result.number_.get(), 0);
  return result;
}

BigInt BigInt::half() const {
  BigInt result;
  must(BN_rshift1(result.number_.get(), number_.get()) == 1);
  return result;
}

bool BigInt::is_zero() const { return BN_is_zero(number_.get()) != 0; }
bool BigInt::is_negative() const { return BN_is_negative(number_.get()) != 0; }
bool BigInt::is_odd() const { return BN_is_odd(number_.get()) != 0; }
int BigInt::bits() const { return BN_num_bits(number_.get()); }

std::string BigInt::text() const {
  struct FreeText {
    void operator()(char* text) const noexcept { OPENSSL_free(text); }
  };
  const std::unique_ptr<char, FreeText> text(BN_bn2dec(number_.get()));
  must(text != nullptr);
  return is_zero() ? "0" : text.get();
}

double BigInt::number() const { return decimal_number(text()); }

BigInt divide_half_even(const BigInt& numerator, const BigInt& denominator) {
  BigInt quotient = numerator / denominator;
  const BigInt excess = (BigInt(2) * (numerator - quotient * denominator)).absolute();
  if (excess > denominator || (excess == denominator && quotient.is_odd()))
    quotient = quotient + BigInt(numerator.is_negative() ? -1 : 1);
  return quotient;
}

std::optional<Ratio> square_root(const Ratio& square) {
  const BigInt divisor = greatest_divisor(square.numerator, square.denominator);
  auto over = whole_root(square.numerator / divisor);
  auto under = whole_root(square.denominator / divisor);
  if (!over || !under) return std::nullopt;
  return Ratio{std::move(*over), std::move(*under)};
}

std::optional<ReadNumber> read_number(std::string_view text) {
  std::size_t at = 0;
  const auto digits_at = [&](std::size_t from) {
    std::size_t end = from;
    while (end < text.size() && is_digit(text[end])) end++;
    return end;
  };
  const bool is_negative = !text.empty() && text[0] == '-';
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) at = 1;
  const std::size_t whole_end = digits_at(at);
  std::string digits(text.substr(at, whole_end - at));
  std::size_t fraction = 0;
  at = whole_end;
  if (at < text.size() && text[at] == '.') {
    const std::size_t end = digits_at(at + 1);
    fraction = end - at - 1;
    if (digits.empty() && fraction == 0) return std::nullopt;
    digits += text.substr(at + 1, fraction);
    at = end;
  }
  if (digits.empty()) return std::nullopt;
  int exponent = 0;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    const bool has_sign = at + 1 < text.size() && (text[at + 1] == '+' || text[at + 1] == '-');
    const std::size_t from = at + (has_sign ? 2 : 1), end = digits_at(from);
    if (end > from) {
      const auto [_, problem] = std::from_chars(text.data() + from, text.data() + end, exponent);
      if (problem != std::errc() || exponent > max_exponent) return std::nullopt;
      if (text[at + 1] == '-') exponent = -exponent;
      at = end;
    }
  }
  if (digits.size() > max_digits) return std::nullopt;
  BigInt magnitude(is_negative ? "-" + digits : digits);
  return ReadNumber{{std::move(magnitude), exponent - static_cast<int>(fraction)}, text.substr(at)};
}

std::optional<Decimal> parse_decimal(std::string_view text) {
  auto read = read_number(text);
  if (!read || !read->rest.empty()) return std::nullopt;
  return std::move(read->value);
}

std::string format_decimal(const Decimal& value) {
  if (value.digits.is_zero()) return "0";
  std::string magnitude = value.digits.absolute().text();
  const std::string sign = value.digits.is_negative() ? "-" : "";
  if (value.exponent >= 0) return sign + magnitude + std::string(static_cast<std::size_t>(value.exponent), '0');
  const auto decimals = static_cast<std::size_t>(-value.exponent);
  if (magnitude.size() <= decimals) magnitude.insert(0, decimals + 1 - magnitude.size(), '0');
  std::string fraction = magnitude.substr(magnitude.size() - decimals);
  fraction.erase(fraction.find_last_not_of('0') + 1);
  return sign + magnitude.substr(0, magnitude.size() - decimals) + (fraction.empty() ? "" : "." + fraction);
}

Decimal trusted_decimal(std::string_view text) {
  std::string digits(text);
  const std::size_t point = digits.find('.');
  if (point == std::string::npos) return {BigInt(digits), 0};
  digits.erase(point, 1);
  return {BigInt(digits), static_cast<int>(point) - static_cast<int>(digits.size())};
}

std::pair<BigInt, BigInt> align(const Decimal& a, const Decimal& b) {
  const int exponent = std::min(a.exponent, b.exponent);
  return {a.digits * BigInt::power_of_ten(a.exponent - exponent),
          b.digits * BigInt::power_of_ten(b.exponent - exponent)};
}

double decimal_number(std::string_view text) {
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string shortest_text(double value) {
  if (std::isnan(value)) return "NaN";
  char buffer[40];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific).ptr;
  const std::string text(buffer, end);
  const std::size_t mark = text.find('e');
  if (mark == std::string::npos) return text;  // infinities and NaN
  const int exponent = std::atoi(text.c_str() + mark + 1);
  if (exponent >= 21 || exponent < -6) return text;
  const auto number = parse_decimal(text);
  return number ? format_decimal(*number) : text;
}

}  // namespace driftline
