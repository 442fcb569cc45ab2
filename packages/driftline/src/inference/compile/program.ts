// What a graph becomes before it is written as C: loops over the elements of one row, with the batch dimension left out.
//
// Every value is seen as one row of it: its dimensions with the free one set to 1 (or to n where rows were folded into
// it, [batch, n, m] → [n·batch, m]). All rows are computed alike and never mixed, so a loop over elements, run for one
// row or for a block of rows side by side, is the whole program. Slices, transpositions and broadcasts are strides.

import { fail } from "../../errors/registry.ts";
import type { ElementFunction } from "./elementFunctions.ts";
import type { Dtype, OnnxNode } from "./readOnnx.ts";

/** Numbers known now, or those of a row. */
export type Storage = ConstantStorage | RowStorage;

export interface ConstantStorage {
  kind: "constant";
  data: Float64Array;
  /** The number of rows, as `batchStandIn`, went into some of the numbers. */
  symbolic: boolean;
}

export interface RowStorage {
  kind: "rows";
  id: number;
  elements: number;
  role: "features" | "latent" | "output" | "scratch";
}

/** Where the elements lie: one stride for each dimension of what is looped over. */
export interface View {
  storage: Storage;
  offset: number;
  strides: number[];
}

/** A tensor of the graph. `view` is null until somebody needs it stored; until then `pending` says how to compute it. */
export interface Value {
  dtype: Dtype;
  /** Of one row: the free dimension counts as 1, or n where it is n·batch. */
  sizes: number[];
  /** Which dimension is the free one; null where there is none. */
  batch: number | null;
  view: View | null;
  pending: Expression | null;
}

export type Expression =
  | { kind: "number"; value: number }
  | { kind: "load"; view: View }
  | { kind: "apply"; function: ElementFunction; arguments: Expression[] };

/** out[i…] = value(i…) */
export interface MapStatement {
  kind: "map";
  sizes: number[];
  out: View;
  value: Expression;
}

/** out[i…] = reduction over j… of in[i…, j…] */
export interface ReduceStatement {
  kind: "reduce";
  reduction: "sum" | "product" | "max" | "min";
  sizes: number[];
  over: number[];
  out: View;
  in: View;
}

/** out[i…, m, n] = Σ_k a[i…, m, k] · b[i…, k, n] */
export interface ProductStatement {
  kind: "product";
  sizes: number[];
  m: number;
  n: number;
  k: number;
  /** Strides: those of `sizes`, then m and k. */
  a: View;
  /** Strides: those of `sizes`, then k and n. */
  b: View;
  /** Strides: those of `sizes`, then m and n. */
  out: View;
}

export type Statement = MapStatement | ReduceStatement | ProductStatement;

export interface Program {
  /** Of one row. */
  features: { name: string; elements: number };
  latents: number;
  output: { name: string; sizes: number[]; elements: number };
  statements: Statement[];
}

/**
 * Stands for the number of rows where a graph computes with shapes: a prime, so that a multiple of it is n·batch, and
 * larger than any dimension of a real graph.
 */
export const batchStandIn = 2 ** 31 - 1;

export function elements(sizes: number[]): number {
  return sizes.reduce((product, n) => product * n, 1);
}

export function rowMajor(sizes: number[]): number[] {
  const strides = new Array<number>(sizes.length);
  let stride = 1;
  for (let i = sizes.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= sizes[i];
  }
  return strides;
}

/** The error for a node that cannot be compiled. */
export function unsupported(node: OnnxNode, why: string) {
  const name = node.name || node.outputs[0] || "without a name";
  return fail(
    "unsupported_operator",
    `compiling the model: operator ${node.operator} (node ${name}): ${why}`,
    {
      field: name,
      remedy:
        "Serve this model with ONNX Runtime, or export it without the operator; docs/export.md lists what can be compiled.",
      data: { operator: node.operator, node: name },
    },
  );
}
