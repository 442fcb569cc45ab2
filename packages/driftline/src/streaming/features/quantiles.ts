// Quantiles in one pass and little memory: values counted in bins that follow the exponent and mantissa of a float32.

/**
 * Bins are the numbers that share the upper 16 bits of their float32: sign, exponent and 7 bits of the mantissa. So a
 * bin is at most 1/128 of its value wide, whatever the range of the data; counts of several passes are added; and
 * neither the order nor the pieces in which values come matter.
 */
export interface QuantileCounts {
  /** By the upper 9 of the 16 bits, in the order of the numbers; 128 bins each, null where there is nothing. */
  pages: (Float64Array | null)[];
  total: number;
}

const pageBins = 128;
const word = new DataView(new ArrayBuffer(4));
const one = new Float32Array(1);
const oneBits = new Uint32Array(one.buffer);

export function quantileCounts(): QuantileCounts {
  return { pages: Array<Float64Array | null>(512).fill(null), total: 0 };
}

/** Counts the finite values. */
export function countValues(counts: QuantileCounts, values: Exclude<ArrayLike<number>, string>): void {
  const { pages } = counts;
  // The bits of float32 values are read where they are, those of others after rounding.
  const bits = values instanceof Float32Array ? bitsOf(values) : null;
  let counted = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value - value !== 0) continue;
    if (!bits) one[0] = value;
    const upper = (bits ? bits[i] : oneBits[0]) >>> 16;
    const key = upper & 0x8000 ? 0xffff - upper : upper | 0x8000;
    let bins = pages[key >>> 7];
    if (bins === null) {
      bins = new Float64Array(pageBins);
      pages[key >>> 7] = bins;
    }
    bins[key & 127]++;
    counted++;
  }
  counts.total += counted;
}

function bitsOf(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}

export function addCounts(into: QuantileCounts, more: QuantileCounts): void {
  more.pages.forEach((bins, page) => {
    const own = into.pages[page];
    if (!bins) return;
    if (!own) into.pages[page] = bins.slice();
    else for (let i = 0; i < pageBins; i++) own[i] += bins[i];
  });
  into.total += more.total;
}

/**
 * The value below which the fraction `q` of all lies, to 1/128 of itself: linear within a bin, and never outside
 * `least` to `largest`, the ends of the data. NaN where nothing was counted.
 */
export function quantile(
  { pages, total }: QuantileCounts,
  q: number,
  least: number,
  largest: number,
): number {
  if (total === 0) return Number.NaN;
  const rank = q * total;
  let below = 0;
  for (const [page, bins] of pages.entries())
    for (let bin = 0; bins && bin < pageBins; bin++) {
      if (bins[bin] === 0) continue;
      if (below + bins[bin] < rank) {
        below += bins[bin];
        continue;
      }
      const key = page * pageBins + bin;
      const low = Math.max(edge(key), least);
      const high = Math.min(edge(key + 1), largest);
      return low + ((high - low) * (rank - below)) / bins[bin];
    }
  return largest;
}

/** The lower end of a bin. */
function edge(key: number): number {
  if (key >= 0x8000) {
    word.setUint32(0, (key - 0x8000) << 16);
    return word.getFloat32(0);
  }
  // Negative numbers run the other way: the lower end of a bin is the first number beyond it.
  word.setUint32(0, ((0xffff - key + 1) << 16) >>> 0);
  const end = word.getFloat32(0);
  return Number.isNaN(end) ? Number.NEGATIVE_INFINITY : end;
}
