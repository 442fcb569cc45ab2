// Philox4x32-10 counter streams keyed by (seed, stream, event, row): the same random numbers in every language.
//
// packages/client/src/noise.ts is the definition, packages/client/src/noise.vectors.json has known answers. Words,
// uniforms and normals are equal to the bit; they depend on no library function but sqrt, which IEEE 754 fixes.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace driftline::noise {

/// What a stream is for; streams of one seed are independent.
enum class Stream : std::uint32_t {
  latent = 0,              ///< latent noise of generators
  simulation = 0x00200000  ///< the base simulator's physics; free for a job's own draws where it runs none
};

/// Seeds are from 0 to 2^53 - 1: what every language of the platform holds exactly.
inline constexpr std::uint64_t max_seed = (std::uint64_t{1} << 53) - 1;

/// One block of Philox4x32-10 (Salmon et al., SC11, doi 10.1145/2063384.2063405).
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) noexcept;

/// `count` uniforms in (0, 1), never 0 or 1. Throws `usage` for a seed above max_seed.
void uniforms(std::uint64_t seed, std::int64_t event, std::uint32_t row, std::size_t count, double* out,
              Stream stream = Stream::latent);

/// `count` standard normals, computed in float64 and rounded once to float32. Throws `usage` for a seed above max_seed.
void normals(std::uint64_t seed, std::int64_t event, std::uint32_t row, std::size_t count, float* out,
             Stream stream = Stream::latent);

}  // namespace driftline::noise
