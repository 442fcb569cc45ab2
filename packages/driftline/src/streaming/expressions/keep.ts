// Chunks with only some of their entries, whatever the kind of their columns.

import type { Column, NumberColumn, Values } from "@driftline/rootio";
import { arrayTypes } from "@driftline/rootio";
import { takeRanges } from "./take.ts";
import type { Offsets } from "./values.ts";

/** The chunk with the entries `kept`, in their order; the same chunk where that is all of them. */
export function keepEntries<C extends { entries: number; columns: Record<string, Column> }>(
  chunk: C,
  kept: Offsets,
): C {
  if (kept.length === chunk.entries && kept.every((entry, i) => entry === i)) return chunk;
  // Columns of one collection mostly share their offsets: the items are found once.
  const ranges: Ranges = new Map();
  const columns = Object.entries(chunk.columns).map(([name, column]) => [name, keep(column, kept, ranges)]);
  return { ...chunk, entries: kept.length, columns: Object.fromEntries(columns) };
}

type Ranges = Map<Offsets, Map<Offsets, { offsets: Offsets; inner: Offsets }>>;

function keep(column: Column, places: Offsets, ranges: Ranges): Column {
  switch (column.kind) {
    case "number":
      return { ...column, values: keepValues(column, places) };
    case "string": {
      const { offsets, inner } = rangesOf(column.offsets, places, ranges);
      return { kind: "string", offsets, bytes: keepBytes(column.bytes, inner) };
    }
    case "list":
    case "optional": {
      const { offsets, inner } = rangesOf(column.offsets, places, ranges);
      return { ...column, offsets, content: keep(column.content, inner, ranges) };
    }
    case "record": {
      const fields = [...column.fields].map(([name, field]): [string, Column] => [
        name,
        keep(field, places, ranges),
      ]);
      return { kind: "record", length: places.length, fields: new Map(fields) };
    }
    case "union": {
      const tags = keepBytes(column.tags, places);
      const counts = column.alternatives.map(() => 0);
      for (const tag of tags) if (tag > 0) counts[tag - 1]++;
      const wanted = counts.map((count) => new Int32Array(count));
      counts.fill(0);
      const indices = new Int32Array(tags.length);
      for (let i = 0; i < tags.length; i++) {
        if (tags[i] === 0) continue;
        const alternative = tags[i] - 1;
        indices[i] = counts[alternative]++;
        wanted[alternative][indices[i]] = column.indices[places[i]];
      }
      const alternatives = column.alternatives.map((alternative, k) => keep(alternative, wanted[k], ranges));
      return { kind: "union", tags, indices, alternatives };
    }
  }
}

function rangesOf(offsets: Offsets, places: Offsets, ranges: Ranges): { offsets: Offsets; inner: Offsets } {
  const ofPlaces = ranges.get(places) ?? new Map();
  ranges.set(places, ofPlaces);
  const known = ofPlaces.get(offsets);
  if (known !== undefined) return known;
  const found = takeRanges(offsets, places);
  ofPlaces.set(offsets, found);
  return found;
}

/** Bytes are copied by width, so that there is one loop for each and no bit of a 64-bit integer is read as a float. */
function keepValues({ type, values }: NumberColumn, places: Offsets): Values {
  const out = new arrayTypes[type](places.length);
  const { buffer, byteOffset, length } = values;
  switch (values.BYTES_PER_ELEMENT) {
    case 1:
      copyBytes(new Uint8Array(buffer, byteOffset, length), new Uint8Array(out.buffer), places);
      break;
    case 2:
      copyHalves(new Uint16Array(buffer, byteOffset, length), new Uint16Array(out.buffer), places);
      break;
    case 4:
      copyWords(new Int32Array(buffer, byteOffset, length), new Int32Array(out.buffer), places);
      break;
    default:
      copyPairs(new Int32Array(buffer, byteOffset, 2 * length), new Int32Array(out.buffer), places);
  }
  return out;
}

function keepBytes(bytes: Uint8Array<ArrayBuffer>, places: Offsets): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(places.length);
  copyBytes(bytes, out, places);
  return out;
}

function copyBytes(from: Uint8Array, to: Uint8Array, places: Offsets): void {
  for (let i = 0; i < to.length; i++) to[i] = from[places[i]];
}

function copyHalves(from: Uint16Array, to: Uint16Array, places: Offsets): void {
  for (let i = 0; i < to.length; i++) to[i] = from[places[i]];
}

function copyWords(from: Int32Array, to: Int32Array, places: Offsets): void {
  for (let i = 0; i < to.length; i++) to[i] = from[places[i]];
}

function copyPairs(from: Int32Array, to: Int32Array, places: Offsets): void {
  for (let i = 0; i < places.length; i++) {
    to[2 * i] = from[2 * places[i]];
    to[2 * i + 1] = from[2 * places[i] + 1];
  }
}
