// A column: the values of one branch or field over consecutive entries, in the layout of Arrow.

/** Types of a single value; bool is bytes 0 and 1. */
export type ElementType =
  | "bool"
  | "int8"
  | "uint8"
  | "int16"
  | "uint16"
  | "int32"
  | "uint32"
  | "int64"
  | "uint64"
  | "float32"
  | "float64";

export const arrayTypes = {
  bool: Uint8Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  float32: Float32Array,
  float64: Float64Array,
} as const;

export type Values =
  | Uint8Array<ArrayBuffer>
  | Int8Array<ArrayBuffer>
  | Int16Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>
  | BigUint64Array<ArrayBuffer>
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>;

/** What the entries of a column look like, known before anything is read. */
export type Shape =
  | { kind: "number"; type: ElementType }
  | { kind: "string" }
  /** `length` where every list has the same. */
  | { kind: "list"; content: Shape; length?: number }
  | { kind: "optional"; content: Shape }
  | { kind: "record"; fields: { name: string; shape: Shape }[] }
  | { kind: "union"; alternatives: Shape[] };

export interface NumberColumn {
  kind: "number";
  type: ElementType;
  values: Values;
}

/** String i is the bytes `offsets[i]` to `offsets[i + 1] - 1`, as they are in the file (usually UTF-8). */
export interface StringColumn {
  kind: "string";
  offsets: Int32Array<ArrayBuffer>;
  bytes: Uint8Array<ArrayBuffer>;
}

/** List i is the items `offsets[i]` to `offsets[i + 1] - 1` of `content`; of an optional there is one item or none. */
export interface ListColumn {
  kind: "list" | "optional";
  offsets: Int32Array<ArrayBuffer>;
  content: Column;
  /** Where every list has the same. */
  length?: number;
}

export interface RecordColumn {
  kind: "record";
  length: number;
  fields: Map<string, Column>;
}

/** Item i is item `indices[i]` of the alternative `tags[i] - 1`; a tag of 0 is a variant without a value. */
export interface UnionColumn {
  kind: "union";
  tags: Uint8Array<ArrayBuffer>;
  indices: Int32Array<ArrayBuffer>;
  alternatives: Column[];
}

export type Column = NumberColumn | StringColumn | ListColumn | RecordColumn | UnionColumn;

/** Number of items of a column: entries, or items of the list that it is the content of. */
export function lengthOf(column: Column): number {
  switch (column.kind) {
    case "number":
      return column.values.length;
    case "record":
      return column.length;
    case "union":
      return column.tags.length;
    default:
      return column.offsets.length - 1;
  }
}
