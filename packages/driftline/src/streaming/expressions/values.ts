// Values while an expression is worked out: typed arrays, with offsets for lists, of a block of entries at once.

export type Numbers = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;
export type Offsets = Int32Array<ArrayBuffer>;
export type Flags = Uint8Array<ArrayBuffer>;

/** One value an item; `constant`: one value that stands for any number of items. */
export type Leaf =
  | { kind: "number"; data: Numbers; constant?: true }
  | { kind: "bool"; data: Flags; constant?: true }
  | { kind: "string"; offsets: Offsets; bytes: Flags; constant?: true }
  | { kind: "vector"; px: Numbers; py: Numbers; pz: Numbers; e: Numbers; constant?: true };

/** List i is the items `offsets[i]` to `offsets[i + 1] - 1`; the first offset is 0 and the last the number of items. */
export interface List {
  kind: "list";
  offsets: Offsets;
  content: Value;
}

export type Value = Leaf | List;

export const numbers = (data: Numbers): Leaf => ({ kind: "number", data });
export const flags = (data: Flags): Leaf => ({ kind: "bool", data });

export function constantLeaf(value: number | boolean | string): Leaf {
  if (typeof value === "number") return { kind: "number", data: Float64Array.of(value), constant: true };
  if (typeof value === "boolean") return { kind: "bool", data: Uint8Array.of(Number(value)), constant: true };
  const bytes = new Uint8Array(Buffer.from(value));
  return { kind: "string", offsets: Int32Array.of(0, bytes.length), bytes, constant: true };
}

/** The leaf below all lists, and the lists' offsets from the outermost. */
export function unwrap(value: Value): { leaf: Leaf; lists: Offsets[] } {
  const lists: Offsets[] = [];
  let inner = value;
  while (inner.kind === "list") {
    lists.push(inner.offsets);
    inner = inner.content;
  }
  return { leaf: inner, lists };
}

export function wrap(leaf: Value, lists: Offsets[]): Value {
  return lists.reduceRight<Value>((content, offsets) => ({ kind: "list", offsets, content }), leaf);
}

export function onlyList(value: Value): List {
  if (value.kind !== "list") throw new TypeError(`a list was expected, not ${value.kind}`);
  return value;
}

export function onlyNumbers(value: Value): Numbers {
  if (value.kind !== "number") throw new TypeError(`numbers were expected, not ${value.kind}`);
  return value.data;
}

export function onlyFlags(value: Value): Flags {
  if (value.kind !== "bool") throw new TypeError(`flags were expected, not ${value.kind}`);
  return value.data;
}
