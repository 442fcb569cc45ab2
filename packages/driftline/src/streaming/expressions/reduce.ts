// Reductions of lists to one value each. NaN within a list makes sum, mean, min and max NaN, as in NumPy.

import type { Flags, Numbers, Offsets } from "./values.ts";

/** In order from the first to the last, in float64; 0 for an empty list. */
export function sums(data: Numbers | Flags, offsets: Offsets): Numbers {
  const lists = offsets.length - 1;
  const out = new Float64Array(lists);
  for (let list = 0, item = 0; list < lists; list++) {
    const end = offsets[list + 1];
    let sum = 0;
    for (; item < end; item++) sum += data[item];
    out[list] = sum;
  }
  return out;
}

export function counts(offsets: Offsets): Numbers {
  const out = new Float64Array(offsets.length - 1);
  for (let list = 0; list < out.length; list++) out[list] = offsets[list + 1] - offsets[list];
  return out;
}

/** NaN for an empty list. */
export function means(data: Numbers | Flags, offsets: Offsets): Numbers {
  const out = sums(data, offsets);
  for (let list = 0; list < out.length; list++) out[list] /= offsets[list + 1] - offsets[list];
  return out;
}

/** False for an empty list. */
export function anyOf(data: Flags, offsets: Offsets): Flags {
  const lists = offsets.length - 1;
  const out = new Uint8Array(lists);
  for (let list = 0, item = 0; list < lists; list++) {
    const end = offsets[list + 1];
    let found = 0;
    for (; item < end; item++) found |= data[item];
    out[list] = found;
  }
  return out;
}

/** True for an empty list. */
export function allOf(data: Flags, offsets: Offsets): Flags {
  const lists = offsets.length - 1;
  const out = new Uint8Array(lists);
  for (let list = 0, item = 0; list < lists; list++) {
    const end = offsets[list + 1];
    let all = 1;
    for (; item < end; item++) all &= data[item];
    out[list] = all;
  }
  return out;
}

/** NaN for an empty list. */
export function minima(data: Numbers, offsets: Offsets): Numbers {
  const lists = offsets.length - 1;
  const out = new Float64Array(lists);
  for (let list = 0, item = 0; list < lists; list++) {
    const end = offsets[list + 1];
    let least = item < end ? data[item] : Number.NaN;
    for (; item < end; item++) if (!(data[item] >= least)) least = Math.min(least, data[item]);
    out[list] = least;
  }
  return out;
}

/** NaN for an empty list. */
export function maxima(data: Numbers, offsets: Offsets): Numbers {
  const lists = offsets.length - 1;
  const out = new Float64Array(lists);
  for (let list = 0, item = 0; list < lists; list++) {
    const end = offsets[list + 1];
    let most = item < end ? data[item] : Number.NaN;
    for (; item < end; item++) if (!(data[item] <= most)) most = Math.max(most, data[item]);
    out[list] = most;
  }
  return out;
}

/** Places within the lists of the first least value, of the first NaN where there is one; NaN for an empty list. */
export function leastPlaces(data: Numbers, offsets: Offsets): Numbers {
  const out = new Float64Array(offsets.length - 1);
  for (let list = 0; list < out.length; list++) {
    const start = offsets[list];
    const end = offsets[list + 1];
    let best = start;
    for (let item = start + 1; item < end; item++) {
      const kept = data[best];
      if (data[item] < kept || (Number.isNaN(data[item]) && !Number.isNaN(kept))) best = item;
    }
    out[list] = start < end ? best - start : Number.NaN;
  }
  return out;
}

/** As leastPlaces, of the first greatest. */
export function greatestPlaces(data: Numbers, offsets: Offsets): Numbers {
  const out = new Float64Array(offsets.length - 1);
  for (let list = 0; list < out.length; list++) {
    const start = offsets[list];
    const end = offsets[list + 1];
    let best = start;
    for (let item = start + 1; item < end; item++) {
      const kept = data[best];
      if (data[item] > kept || (Number.isNaN(data[item]) && !Number.isNaN(kept))) best = item;
    }
    out[list] = start < end ? best - start : Number.NaN;
  }
  return out;
}
