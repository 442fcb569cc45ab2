// Philox4x32-10 counter streams keyed by (seed, stream, event, row): the same random numbers in every language.
//
// Definition, enough to write it again elsewhere:
//
//   key words      k0 = seed mod 2^32
//                  k1 = floor(seed / 2^32) XOR stream            0 <= seed < 2^53
//   counter words  c0 = block index, from 0
//                  c1 = row                                      uint32
//                  c2 = event mod 2^32
//                  c3 = floor(event / 2^32) mod 2^32             64-bit; a negative int64 as two's complement
//   block          four 32-bit words w0..w3 = Philox4x32-10(counter, key), Salmon et al., SC11,
//                  doi 10.1145/2063384.2063405
//   uniform        u = (w + 0.5) · 2^-32 in float64: exact, in (0, 1), never 0 or 1
//   normals        from (u0, u1) then (u2, u3) of a block, Box-Muller in float64:
//                  r = sqrt(-2 ln u0), n0 = r cos(2π u1), n1 = r sin(2π u1), each rounded once to float32
//
// Word i of a stream is word (i mod 4) of block floor(i / 4); so is uniform i and normal i. A stream constant has its
// lower 21 bits zero, which the seed's upper bits use: two pairs (seed, stream) never share a key.
// `noise.vectors.json` holds known answers: words and uniforms are equal to the bit in all languages; normals are equal
// as float32 but for a few in 10^8 values that fall next to a rounding boundary, where they may differ by one unit.

/** What a stream of random numbers is for; different streams of one seed are independent. */
export const streams = {
  /** Latent noise of generators. */
  latent: 0,
  /** The base simulator's physics. */
  simulation: 0x00200000,
  /** Inputs drawn for a simulated dataset. */
  inputs: 0x00400000,
  /** Resampling for intervals. */
  bootstrap: 0x00600000,
  /** Points of the domain test. */
  domain: 0x00800000,
  /** The order of rows in datasets. */
  order: 0x00a00000,
} as const;

const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;
const TWO_M32 = 2 ** -32;
const SCALED_M0 = M0 * TWO_M32;
const SCALED_M1 = M1 * TWO_M32;

/**
 * One block of Philox4x32-10: `out[0..3]` gets four uint32 words for the counter (c0..c3) and the key (k0, k1).
 *
 * The upper word of a 32×32-bit product is found in float64: m·x·2^-32 rounds by at most 2^-22, so taking away
 * low·2^-32 and adding ½ leaves the upper word plus ½ within 2^-21, and truncation finds it exactly.
 */
export function philox4x32(
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  k0: number,
  k1: number,
  out: Uint32Array,
): void {
  for (let round = 0; round < 10; round++) {
    const low0 = Math.imul(M0, c0);
    const low1 = Math.imul(M1, c2);
    const high0 = SCALED_M0 * (c0 >>> 0) - ((low0 >>> 0) * TWO_M32 - 0.5);
    const high1 = SCALED_M1 * (c2 >>> 0) - ((low1 >>> 0) * TWO_M32 - 0.5);
    c0 = high1 ^ c1 ^ k0;
    c2 = high0 ^ c3 ^ k1;
    c1 = low1;
    c3 = low0;
    k0 = (k0 + W0) | 0;
    k1 = (k1 + W1) | 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/** The two key words of (seed, stream). Throws a RangeError unless `seed` is an integer in [0, 2^53). */
export function streamKey(seed: number, stream: number): [number, number] {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new RangeError(`A seed is an integer from 0 to 2^53 - 1; got ${seed}`);
  }
  return [seed >>> 0, (Math.floor(seed * TWO_M32) ^ stream) >>> 0];
}

/** The lower and upper 32 bits of an event number: a safe integer or a 64-bit bigint, signed or not. */
export function eventWords(event: number | bigint): [number, number] {
  if (typeof event === "number" && !Number.isSafeInteger(event)) {
    throw new RangeError(`An event number is a safe integer or a bigint; got ${event}`);
  }
  const bits = BigInt.asUintN(64, BigInt(event));
  return [Number(bits & 0xffffffffn), Number(bits >> 32n)];
}

/** Lower and upper words of 64-bit event numbers as pairs, without making bigints; a copy only on big-endian hosts. */
export function eventWordPairs(events: BigInt64Array): Uint32Array {
  const words = new Uint32Array(events.buffer, events.byteOffset, events.length * 2);
  if (new Uint8Array(new Uint32Array([1]).buffer)[0] === 1) return words;
  return words.map((_, i) => words[i ^ 1]);
}

/** `count` uniforms in (0, 1), multiples of 2^-33, of (seed, stream, event, row). */
export function uniforms(
  seed: number,
  event: number | bigint,
  row: number,
  count: number,
  stream: number = streams.latent,
): Float64Array {
  const [k0, k1] = streamKey(seed, stream);
  const [low, high] = eventWords(event);
  const words = new Uint32Array(4);
  const out = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    if ((i & 3) === 0) philox4x32(i >>> 2, row, low, high, k0, k1, words);
    out[i] = (words[i & 3] + 0.5) * TWO_M32;
  }
  return out;
}

/** `count` standard normals of (seed, stream, event, row), as defined above. */
export function normals(
  seed: number,
  event: number | bigint,
  row: number,
  count: number,
  stream: number = streams.latent,
): Float32Array {
  const [k0, k1] = streamKey(seed, stream);
  const [low, high] = eventWords(event);
  const out = new Float32Array(count);
  fillNormals(k0, k1, low, high, row, count, out, 0);
  return out;
}

/**
 * Latent noise in bulk: `width` normals for each event, row-major [events, width]; row i equals
 * `normals(seed, events[i], rows[i], width)`. `rows` is one row number for all, or one for each event.
 */
export function latents(
  seed: number,
  events: BigInt64Array,
  rows: number | Uint32Array,
  width: number,
): Float32Array {
  const [k0, k1] = streamKey(seed, streams.latent);
  const words = eventWordPairs(events);
  const out = new Float32Array(events.length * width);
  for (let i = 0; i < events.length; i++) {
    const row = typeof rows === "number" ? rows : rows[i];
    fillNormals(k0, k1, words[2 * i], words[2 * i + 1], row, width, out, i * width);
  }
  return out;
}

const block = new Uint32Array(4);
/** cos(k π/2) for k = 0..7; sin(k π/2) is entry k + 3. */
const quarterCosine = new Float64Array([1, 0, -1, 0, 1, 0, -1, 0]);

function fillNormals(
  k0: number,
  k1: number,
  low: number,
  high: number,
  row: number,
  count: number,
  out: Float32Array,
  offset: number,
): void {
  for (let i = 0; i < count; i += 4) {
    philox4x32(i >>> 2, row, low, high, k0, k1, block);
    for (let pair = 0; pair < 4 && i + pair < count; pair += 2) {
      const r = Math.sqrt(-2 * Math.log((block[pair] + 0.5) * TWO_M32));
      // 4u = k + x with x in [-½, ½]: both exact, so the angle π/2·x is better than 2πu rounded.
      const turn = (block[pair + 1] + 0.5) * (4 * TWO_M32);
      const quarter = (turn + 0.5) | 0;
      const angle = (turn - quarter) * (Math.PI / 2);
      const square = angle * angle;
      const sine = angle + angle * square * sineSeries(square);
      const cosine = 1 - 0.5 * square + square * square * cosineSeries(square);
      // Rotation by whole quarters: factors of 0 and ±1 are exact, and a table is faster than branches at random.
      const c = quarterCosine[quarter];
      const s = quarterCosine[quarter + 3];
      out[offset + i + pair] = r * (cosine * c - sine * s);
      if (i + pair + 1 < count) out[offset + i + pair + 1] = r * (sine * c + cosine * s);
    }
  }
}

/** (sin x - x)/x³ for |x| <= π/4 as a function of x²: Taylor to x^15, remainder below 2^-53. */
function sineSeries(z: number): number {
  return (
    -1 / 6 +
    z *
      (1 / 120 +
        z * (-1 / 5040 + z * (1 / 362880 + z * (-1 / 39916800 + z * (1 / 6227020800 - z / 1307674368000)))))
  );
}

/** (cos x - 1 + x²/2)/x⁴ for |x| <= π/4 as a function of x²: Taylor to x^16. */
function cosineSeries(z: number): number {
  return (
    1 / 24 +
    z *
      (-1 / 720 +
        z *
          (1 / 40320 +
            z * (-1 / 3628800 + z * (1 / 479001600 + z * (-1 / 87178291200 + z / 20922789888000)))))
  );
}
