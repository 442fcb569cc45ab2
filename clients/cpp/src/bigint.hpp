// Whole numbers of any size as values, on libcrypto's BIGNUM; and exact decimal numbers on top of them.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct bignum_st;

namespace driftline {

class BigInt {
 public:
  explicit BigInt(long value = 0);
  /// Of decimal digits, perhaps with a minus sign; they must have been checked.
  explicit BigInt(const std::string& digits);
  BigInt(const BigInt& other);
  BigInt& operator=(const BigInt& other);
  BigInt(BigInt&&) noexcept = default;
  BigInt& operator=(BigInt&&) noexcept = default;
  ~BigInt() = default;

  static BigInt power_of_ten(int exponent);
  static BigInt one_shifted_left(int bits);

  friend BigInt operator+(const BigInt& a, const BigInt& b);
  friend BigInt operator-(const BigInt& a, const BigInt& b);
  friend BigInt operator*(const BigInt& a, const BigInt& b);
  /// Towards zero; the divisor must not be 0.
  friend BigInt operator/(const BigInt& a, const BigInt& b);
  friend bool operator<(const BigInt& a, const BigInt& b);
  friend bool operator==(const BigInt& a, const BigInt& b);
  friend bool operator>(const BigInt& a, const BigInt& b) { return b < a; }
  friend bool operator!=(const BigInt& a, const BigInt& b) { return !(a == b); }

  BigInt power(int exponent) const;
  BigInt absolute() const;
  BigInt half() const;
  bool is_zero() const;
  bool is_negative() const;
  bool is_odd() const;
  int bits() const;
  std::string text() const;
  /// The nearest double.
  double number() const;

 private:
  struct Free {
    void operator()(bignum_st* number) const noexcept;
  };
  std::unique_ptr<bignum_st, Free> number_;
};

/// numerator/denominator; the denominator is positive.
struct Ratio {
  BigInt numerator, denominator;
};

/// To the nearest whole number, halves to the even one.
BigInt divide_half_even(const BigInt& numerator, const BigInt& denominator);
/// The square root in lowest terms, or nothing where it is irrational.
std::optional<Ratio> square_root(const Ratio& square);

/// digits × 10^exponent.
struct Decimal {
  BigInt digits;
  int exponent = 0;
};

struct ReadNumber {
  Decimal value;
  /// What follows the number.
  std::string_view rest;
};

/// Reads the number that a text starts with; nothing where it starts with none, or with one of more than 100 digits or
/// an exponent beyond 100: it is no measured value, and it costs memory.
std::optional<ReadNumber> read_number(std::string_view text);
/// Reads a text that is a number and nothing else.
std::optional<Decimal> parse_decimal(std::string_view text);
/// A plain decimal: no exponent, no trailing zeros, no plus sign, no -0.
std::string format_decimal(const Decimal& value);
/// A decimal in canonical form, of any length.
Decimal trusted_decimal(std::string_view text);
/// Both as whole multiples of one power of ten.
std::pair<BigInt, BigInt> align(const Decimal& a, const Decimal& b);
/// The nearest double of a plain decimal.
double decimal_number(std::string_view text);
/// A number as JavaScript writes it: the shortest decimal that reads back as the same double.
std::string shortest_text(double value);

}  // namespace driftline
