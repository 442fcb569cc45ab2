"""Philox4x32-10 counter streams keyed by (seed, stream, event, row): the same random numbers in every language.

The definition is that of packages/client/src/noise.ts:

- key words k0 = seed mod 2^32, k1 = floor(seed / 2^32) XOR stream, with 0 <= seed < 2^53
- counter words c0 = block index from 0, c1 = row, c2 and c3 = lower and upper half of the 64-bit event number
- a block is four 32-bit words w0..w3 = Philox4x32-10(counter, key), Salmon et al., SC11, doi 10.1145/2063384.2063405
- uniform u = (w + 0.5) / 2^32 in float64, exact
- normals from (u0, u1) and (u2, u3) of a block, Box-Muller in float64, each rounded once to float32

Word i of a stream is word (i mod 4) of block floor(i / 4); so is uniform i and normal i.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from driftline.errors import DriftlineError

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: What a stream is for; different streams of one seed are independent.
LATENT = 0
SIMULATION = 0x00200000
INPUTS = 0x00400000
BOOTSTRAP = 0x00600000
DOMAIN = 0x00800000

#: Philox's multipliers of c0 and c2, and what the key words have gained by each round.
MULTIPLIERS = np.array([0xD2511F53, 0xCD9E8D57], np.uint64).reshape(2, 1, 1)
WEYL = np.arange(10, dtype=np.uint64)[:, np.newaxis] * np.array([0x9E3779B9, 0xBB67AE85], np.uint64)
MASK = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)
TWO_M32 = 2.0**-32
#: Blocks that go through the rounds at once: their words stay in a core's cache.
PIECE = 8192
#: cos(k pi/2) for k = 0..7; sin(k pi/2) is entry k + 3.
QUARTER_COSINE = np.array([1, 0, -1, 0, 1, 0, -1, 0], np.float64)


def philox4x32(
    even: NDArray[np.uint64], odd: NDArray[np.uint64], key: tuple[int, int]
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Blocks of Philox4x32-10, in place: words (c0, c2) and (c1, c3) of each counter, both [2, m, n]."""
    keys = (np.array(key, np.uint64) + WEYL) & MASK
    product = np.empty_like(even)
    # The products change places: c0 comes of the one with c2, and c2 of the one with c0.
    crossed = product[::-1]
    for round_key in keys.reshape(10, 2, 1, 1):
        np.multiply(even, MULTIPLIERS, out=product)
        np.right_shift(crossed, HALF, out=even)
        even ^= odd
        even ^= round_key
        np.bitwise_and(crossed, MASK, out=odd)
    return even, odd


def uniforms(seed: int, event: int, row: int, count: int, stream: int = LATENT) -> NDArray[np.float64]:
    """``count`` uniforms in (0, 1), odd multiples of 2^-33, of (seed, stream, event, row)."""
    even, odd = _blocks(stream_key(seed, stream), _int64(event), np.array([row]), -(-count // 4))
    words = np.stack([even[0], odd[0], even[1], odd[1]], axis=-1)
    return (words.reshape(-1)[:count] + 0.5) * TWO_M32


def normals(seed: int, event: int, row: int, count: int, stream: int = LATENT) -> NDArray[np.float32]:
    """``count`` standard normals of (seed, stream, event, row)."""
    return latents(seed, _int64(event), np.array([row]), count, stream)[0]


def latents(
    seed: int, events: NDArray[np.int64], rows: NDArray[np.integer], width: int, stream: int = LATENT
) -> NDArray[np.float32]:
    """Latent noise in bulk: ``width`` normals for each pair of a 64-bit event and a 32-bit row, [n, width].

    Row i is ``normals(seed, events[i], rows[i], width)``; it depends on nothing else.
    """
    key = stream_key(seed, stream)
    blocks = -(-width // 4)
    out = np.empty((len(events), blocks, 4), np.float32)
    step = max(1, PIECE // max(1, blocks))
    for first in range(0, len(events), step):
        piece = slice(first, first + step)
        _box_muller(*_blocks(key, events[piece], rows[piece], blocks), out[piece])
    flat = out.reshape(len(events), 4 * blocks)
    return flat if width == 4 * blocks else np.ascontiguousarray(flat[:, :width])


def _blocks(
    key: tuple[int, int], events: NDArray[np.int64], rows: NDArray[np.integer], blocks: int
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Words (w0, w2) and (w1, w3) of the first blocks of each event and row, both [2, n, blocks]."""
    even = np.empty((2, len(events), blocks), np.uint64)
    odd = np.empty_like(even)
    bits = events.view(np.uint64)
    even[0] = np.arange(blocks, dtype=np.uint64)
    even[1] = (bits & MASK)[:, np.newaxis]
    odd[0] = rows[:, np.newaxis]
    odd[1] = (bits >> HALF)[:, np.newaxis]
    return philox4x32(even, odd, key)


def stream_key(seed: int, stream: int) -> tuple[int, int]:
    """The two key words of a seed from 0 to 2^53 - 1 and a stream; raises ``usage`` for another seed."""
    if isinstance(seed, (bool, np.bool_)) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**53:
        raise DriftlineError(
            "usage",
            f"{seed!r:.80} is no seed.",
            field="seed",
            remedy="Give a whole number from 0 to 2^53 - 1.",
        )
    return int(seed) & 0xFFFFFFFF, (int(seed) >> 32) ^ stream


def _int64(event: int) -> NDArray[np.int64]:
    """A 64-bit number, signed or not, as its two's complement."""
    return np.array([int(event) & 0xFFFFFFFFFFFFFFFF], np.uint64).view(np.int64)


def _box_muller(even: NDArray[np.uint64], odd: NDArray[np.uint64], out: NDArray[np.float32]) -> None:
    """Normals of blocks to ``out`` [n, blocks, 4]; every step in float64, in the order of noise.ts."""
    # r = sqrt(-2 ln u)
    r = even + 0.5
    r *= TWO_M32
    np.log(r, out=r)
    r *= -2.0
    np.sqrt(r, out=r)
    # 4u = k + x with x in [-1/2, 1/2]: both exact, so the angle pi/2 x is better than 2 pi u rounded.
    angle = odd + 0.5
    angle *= 4 * TWO_M32
    quarter = (angle + 0.5).astype(np.intp)
    angle -= quarter
    angle *= np.pi / 2
    square = angle * angle
    sine = _series(SINE, square)
    sine *= angle * square
    sine += angle
    cosine = _series(COSINE, square)
    cosine *= square * square
    cosine += 1 - 0.5 * square
    # Rotation by whole quarters: factors of 0 and +-1 are exact.
    c = QUARTER_COSINE.take(quarter)
    quarter += 3
    s = QUARTER_COSINE.take(quarter)
    first = cosine * c
    first -= sine * s
    first *= r
    sine *= c
    cosine *= s
    sine += cosine
    sine *= r
    for pair in (0, 1):
        out[..., 2 * pair] = first[pair]
        out[..., 2 * pair + 1] = sine[pair]


#: Taylor coefficients, highest first; the last term of noise.ts is a quotient, and so it is here.
#: (sin x - x)/x^3 for |x| <= pi/4 as a function of x^2, to x^15: remainder below 2^-53.
SINE = (-1307674368000, 1 / 6227020800, -1 / 39916800, 1 / 362880, -1 / 5040, 1 / 120, -1 / 6)
#: (cos x - 1 + x^2/2)/x^4 likewise, to x^16.
COSINE = (20922789888000, -1 / 87178291200, 1 / 479001600, -1 / 3628800, 1 / 40320, -1 / 720, 1 / 24)


def _series(coefficients: tuple[float, ...], z: NDArray[np.float64]) -> NDArray[np.float64]:
    divisor, *others = coefficients
    total = z / divisor
    total += others[0]
    for coefficient in others[1:]:
        total *= z
        total += coefficient
    return total
