// The noise as packages/client/src/noise.ts defines it, operation by operation.
//
// V8's Math.log is fdlibm's e_log.c; the same is written out here, so that not even libm can differ. This file must be
// compiled without contraction of a*b+c (CMakeLists.txt sees to it).

#include <driftline/error.hpp>
#include <driftline/noise.hpp>

#include <cmath>
#include <cstring>

namespace driftline::noise {
namespace {

std::array<std::uint32_t, 2> stream_key(std::uint64_t seed, Stream stream) {
  if (seed > max_seed) {
    throw Error("usage", "A seed is a whole number from 0 to 2^53 - 1; got " + std::to_string(seed) + ".", "seed",
                "Take a smaller seed.");
  }
  return {static_cast<std::uint32_t>(seed),
          static_cast<std::uint32_t>(seed >> 32) ^ static_cast<std::uint32_t>(stream)};
}

std::array<std::uint32_t, 4> block_of(std::size_t index, std::int64_t event, std::uint32_t row,
                                      std::array<std::uint32_t, 2> key) noexcept {
  const auto bits = static_cast<std::uint64_t>(event);
  return philox4x32({static_cast<std::uint32_t>(index), row, static_cast<std::uint32_t>(bits),
                     static_cast<std::uint32_t>(bits >> 32)},
                    key);
}

/// Natural logarithm of a normal number above 0, after fdlibm's e_log.c:
/// Copyright (C) 1993 by Sun Microsystems, Inc. All rights reserved. Developed at SunPro, a Sun Microsystems, Inc.
/// business. Permission to use, copy, modify, and distribute this software is freely granted, provided that this
/// notice is preserved.
double logarithm(double x) noexcept {
  constexpr double ln2_high = 6.93147180369123816490e-01, ln2_low = 1.90821492927058770002e-10;
  std::uint64_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  auto high = static_cast<std::int32_t>(bits >> 32);
  std::int32_t k = (high >> 20) - 1023;
  high &= 0x000fffff;
  const std::int32_t carry = (high + 0x95f64) & 0x100000;
  bits = (static_cast<std::uint64_t>(static_cast<std::uint32_t>(high | (carry ^ 0x3ff00000))) << 32) |
         (bits & 0xffffffffU);
  std::memcpy(&x, &bits, sizeof x);
  k += carry >> 20;
  const double f = x - 1.0, dk = k;
  if ((0x000fffff & (2 + high)) < 3) {
    if (f == 0.0) return k == 0 ? 0.0 : dk * ln2_high + dk * ln2_low;
    const double r = f * f * (0.5 - 0.33333333333333333 * f);
    return k == 0 ? f - r : dk * ln2_high - ((r - dk * ln2_low) - f);
  }
  const double s = f / (2.0 + f), z = s * s, w = z * z;
  const double t1 = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01));
  const double t2 =
      z * (6.666666666666735130e-01 +
           w * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)));
  const double r = t2 + t1;
  if (((high - 0x6147a) | (0x6b851 - high)) > 0) {
    const double half = 0.5 * f * f;
    return k == 0 ? f - (half - s * (half + r)) : dk * ln2_high - ((half - (s * (half + r) + dk * ln2_low)) - f);
  }
  return k == 0 ? f - s * (f - r) : dk * ln2_high - ((s * (f - r) - dk * ln2_low) - f);
}

/// (sin x - x)/x³ for |x| <= π/4 as a function of x²: Taylor to x^15, remainder below 2^-53.
double sine_series(double z) noexcept {
  return -1.0 / 6 +
         z * (1.0 / 120 +
              z * (-1.0 / 5040 +
                   z * (1.0 / 362880 + z * (-1.0 / 39916800 + z * (1.0 / 6227020800 - z / 1307674368000)))));
}

/// (cos x - 1 + x²/2)/x⁴ for |x| <= π/4 as a function of x²: Taylor to x^16.
double cosine_series(double z) noexcept {
  return 1.0 / 24 +
         z * (-1.0 / 720 +
              z * (1.0 / 40320 +
                   z * (-1.0 / 3628800 + z * (1.0 / 479001600 + z * (-1.0 / 87178291200 + z / 20922789888000)))));
}

}  // namespace

std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> c, std::array<std::uint32_t, 2> k) noexcept {
  for (int round = 0; round < 10; round++) {
    const std::uint64_t p0 = std::uint64_t{0xd2511f53} * c[0], p1 = std::uint64_t{0xcd9e8d57} * c[2];
    c = {static_cast<std::uint32_t>(p1 >> 32) ^ c[1] ^ k[0], static_cast<std::uint32_t>(p1),
         static_cast<std::uint32_t>(p0 >> 32) ^ c[3] ^ k[1], static_cast<std::uint32_t>(p0)};
    k[0] += 0x9e3779b9U;
    k[1] += 0xbb67ae85U;
  }
  return c;
}

void uniforms(std::uint64_t seed, std::int64_t event, std::uint32_t row, std::size_t count, double* out,
              Stream stream) {
  const auto key = stream_key(seed, stream);
  std::array<std::uint32_t, 4> words{};
  for (std::size_t i = 0; i < count; i++) {
    if (i % 4 == 0) words = block_of(i / 4, event, row, key);
    out[i] = (words[i % 4] + 0.5) * 0x1p-32;
  }
}

void normals(std::uint64_t seed, std::int64_t event, std::uint32_t row, std::size_t count, float* out, Stream stream) {
  static constexpr double quarters[8] = {1, 0, -1, 0, 1, 0, -1, 0};
  const auto key = stream_key(seed, stream);
  for (std::size_t i = 0; i < count; i += 4) {
    const auto words = block_of(i / 4, event, row, key);
    for (std::size_t pair = 0; pair < 4 && i + pair < count; pair += 2) {
      const double r = std::sqrt(-2.0 * logarithm((words[pair] + 0.5) * 0x1p-32));
      // 4u = k + x with x in [-½, ½]: both exact, so the angle π/2·x is better than 2πu rounded.
      const double turn = (words[pair + 1] + 0.5) * 0x1p-30;
      const int quarter = static_cast<int>(turn + 0.5);
      const double angle = (turn - quarter) * (3.141592653589793 / 2), z = angle * angle;
      const double sine = angle + angle * z * sine_series(z);
      const double cosine = 1 - 0.5 * z + z * z * cosine_series(z);
      const double c = quarters[quarter], s = quarters[quarter + 3];
      out[i + pair] = static_cast<float>(r * (cosine * c - sine * s));
      if (i + pair + 1 < count) out[i + pair + 1] = static_cast<float>(r * (sine * c + cosine * s));
    }
  }
}

}  // namespace driftline::noise
