// Functions that make one value of each list: sum, any, max, the place of the greatest.

import { mapInnermost, type Node } from "./node.ts";
import { problem, type Source, type Span } from "./problem.ts";
import * as reduce from "./reduce.ts";
import { needList } from "./selection.ts";
import { describe, type Type } from "./types.ts";
import { flags, type Leaf, numbers, type Offsets, onlyFlags, onlyNumbers } from "./values.ts";
import { sumVectors } from "./vectors.ts";

type Reduction = (leaf: Leaf, offsets: Offsets) => Leaf;

const asNumbers = (leaf: Leaf) => (leaf.kind === "bool" ? leaf.data : onlyNumbers(leaf));
const ofNumbers =
  (
    f: (
      data: Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>,
      offsets: Offsets,
    ) => ReturnType<typeof reduce.sums>,
  ): Reduction =>
  (leaf, offsets) =>
    numbers(f(onlyNumbers(leaf), offsets));

const ofLists: Record<string, Reduction> = {
  sum: (leaf, offsets) =>
    leaf.kind === "vector"
      ? sumVectors(leaf, offsets, reduce.sums)
      : numbers(reduce.sums(asNumbers(leaf), offsets)),
  mean: (leaf, offsets) => numbers(reduce.means(asNumbers(leaf), offsets)),
  any: (leaf, offsets) => flags(reduce.anyOf(onlyFlags(leaf), offsets)),
  all: (leaf, offsets) => flags(reduce.allOf(onlyFlags(leaf), offsets)),
  count: (_leaf, offsets) => numbers(reduce.counts(offsets)),
  len: (_leaf, offsets) => numbers(reduce.counts(offsets)),
  min: ofNumbers(reduce.minima),
  max: ofNumbers(reduce.maxima),
  argmin: ofNumbers(reduce.leastPlaces),
  argmax: ofNumbers(reduce.greatestPlaces),
};

export const reductionNames = Object.keys(ofLists);

/** One value for each innermost list. */
export function reduced(source: Source, span: Span, name: string, list: Node): Node {
  needList(source, list, name);
  const type = resultType(source, name, list);
  const { offsets } = list;
  if (offsets !== undefined && (name === "count" || name === "len") && list.type.axes.length === 1)
    return { span, type, space: list.space, run: (state) => numbers(reduce.counts(offsets(state))) };
  const f = ofLists[name];
  return { span, type, space: list.space, run: (state) => mapInnermost(list.run(state), f) };
}

function resultType(source: Source, name: string, list: Node): Type {
  const { kind } = list.type;
  const axes = list.type.axes.slice(0, -1);
  const refuse = (remedy: string) =>
    problem(source, list.span, `${name} does not work with ${describe(list.type)}.`, remedy);
  switch (name) {
    case "any":
    case "all":
      if (kind !== "bool") throw refuse("Write a condition, as any(Jet_pt > 40).");
      return { kind: "bool", axes };
    case "count":
      if (kind === "bool")
        throw problem(
          source,
          list.span,
          "count of conditions is ambiguous: how many hold, or how many there are?",
          "Write sum(…) for how many hold, len(…) for how many there are.",
        );
      return { kind: "number", axes };
    case "len":
      return { kind: "number", axes };
    case "sum":
      if (kind === "string") throw refuse("Write len(…) for how many there are.");
      return { kind: kind === "vector" ? "vector" : "number", axes };
    case "mean":
      if (kind !== "number" && kind !== "bool") throw refuse("Give a list of numbers.");
      return { kind: "number", axes };
    default:
      if (kind !== "number") throw refuse("Give a list of numbers.");
      return { kind: "number", axes };
  }
}
