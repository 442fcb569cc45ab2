// Items of a value by their numbers: selections, picked items, and values repeated for the items of lists.

import type { Flags, Leaf, Numbers, Offsets, Value } from "./values.ts";

/**
 * Item `places[i]` for each i; -1 gives what is missing: NaN, false, an empty string or an empty list.
 * A constant stays one.
 */
export function take(value: Value, places: Offsets): Value {
  switch (value.kind) {
    case "number":
      return value.constant ? value : { kind: "number", data: takeNumbers(value.data, places) };
    case "bool":
      return value.constant ? value : { kind: "bool", data: takeFlags(value.data, places) };
    case "vector": {
      if (value.constant) return value;
      const { px, py, pz, e } = value;
      return {
        kind: "vector",
        px: takeNumbers(px, places),
        py: takeNumbers(py, places),
        pz: takeNumbers(pz, places),
        e: takeNumbers(e, places),
      };
    }
    case "string": {
      if (value.constant) return value;
      const { offsets, inner } = takeRanges(value.offsets, places);
      return { kind: "string", offsets, bytes: takeFlags(value.bytes, inner) };
    }
    case "list": {
      const { offsets, inner } = takeRanges(value.offsets, places);
      return { kind: "list", offsets, content: take(value.content, inner) };
    }
  }
}

function takeNumbers(data: Numbers, places: Offsets): Numbers {
  return data instanceof Float32Array ? takeSingle(data, places) : takeDouble(data, places);
}

function takeSingle(data: Float32Array, places: Offsets): Numbers {
  const out = new Float32Array(places.length);
  for (let i = 0; i < out.length; i++) {
    const place = places[i];
    out[i] = place < 0 ? Number.NaN : data[place];
  }
  return out;
}

function takeDouble(data: Float64Array, places: Offsets): Numbers {
  const out = new Float64Array(places.length);
  for (let i = 0; i < out.length; i++) {
    const place = places[i];
    out[i] = place < 0 ? Number.NaN : data[place];
  }
  return out;
}

function takeFlags(data: Flags, places: Offsets): Flags {
  const out = new Uint8Array(places.length);
  for (let i = 0; i < out.length; i++) {
    const place = places[i];
    out[i] = place < 0 ? 0 : data[place];
  }
  return out;
}

/** The lists `places`, and the numbers of their items. */
export function takeRanges(offsets: Offsets, places: Offsets): { offsets: Offsets; inner: Offsets } {
  const taken = new Int32Array(places.length + 1);
  let total = 0;
  for (let i = 0; i < places.length; i++) {
    const place = places[i];
    if (place >= 0) total += offsets[place + 1] - offsets[place];
    taken[i + 1] = total;
  }
  const inner = new Int32Array(total);
  let at = 0;
  for (let i = 0; i < places.length; i++) {
    const place = places[i];
    if (place >= 0) for (let item = offsets[place]; item < offsets[place + 1]; item++) inner[at++] = item;
  }
  return { offsets: taken, inner };
}

/** The number of the list that each item is in. */
export function listOfItems(offsets: Offsets): Offsets {
  const lists = offsets.length - 1;
  const out = new Int32Array(offsets[lists]);
  for (let list = 0; list < lists; list++)
    for (let item = offsets[list]; item < offsets[list + 1]; item++) out[item] = list;
  return out;
}

/** A leaf repeated for every item of its list. */
export function repeatFor(leaf: Leaf, offsets: Offsets): Leaf {
  return leaf.constant ? leaf : (take(leaf, listOfItems(offsets)) as Leaf);
}

/** A constant as so many values. */
export function spread(leaf: Leaf, length: number): Leaf {
  if (!leaf.constant) return leaf;
  return take({ ...leaf, constant: undefined }, new Int32Array(length)) as Leaf;
}
