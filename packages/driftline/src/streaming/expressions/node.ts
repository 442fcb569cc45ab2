// A checked part of an expression: its type, the space of its rows, and how to work it out for a block of entries.

import type { Source, Span } from "./problem.ts";
import { problem } from "./problem.ts";
import { deepest, entriesSpace, firstEntry, lift, rowsOf, type Space, type State } from "./state.ts";
import { repeatFor } from "./take.ts";
import { type Axis, commonAxes, type Kind, type Type } from "./types.ts";
import { constantLeaf, type Leaf, type Offsets, unwrap, type Value, wrap } from "./values.ts";

export interface Node {
  span: Span;
  type: Type;
  space: Space;
  run(state: State): Value;
  /** Says that it will be run more than once a block, so that its result is kept. */
  reuse?(): void;
  /** An index of a loop: the axis that it counts. */
  variable?: { position: number; axis: Axis; loop: LoopSpace };
  /** The lists alone, where they come cheaper than the content. */
  offsets?(state: State): Offsets;
}

/** The space of a loop's combinations; `counted` is the text of the list that its indices count. */
export type LoopSpace = Space & { counted: Span };

export function constantNode(span: Span, value: number | boolean | string): Node {
  const leaf = constantLeaf(value);
  return { span, type: { kind: leaf.kind, axes: [] }, space: entriesSpace, run: () => leaf };
}

/** A calculation item by item: all lists of the same lengths, single values repeated for the items of lists. */
export function elementwise(
  source: Source,
  span: Span,
  inputs: Node[],
  kind: Kind,
  kernel: (leaves: Leaf[], n: number) => Leaf,
): Node {
  const axes = commonAxes(
    source,
    span,
    inputs.map((input) => input.type),
  );
  const space = deepest(inputs.map((input) => input.space));
  return {
    span,
    type: { kind, axes },
    space,
    run: (state) => {
      const values = inputs.map((input) => {
        const value = input.run(state);
        return isConstant(value) ? value : lift(state, value, input.space, space);
      });
      const { leaves, lists } = align(source, span, values, inputs, firstEntry(state, space));
      if (leaves.every(isConstant)) return { ...kernel(leaves, 1), constant: true };
      const n = lists.length > 0 ? lists.at(-1)!.at(-1)! : rowsOf(state, space);
      return wrap(kernel(leaves, n), lists);
    },
  };
}

export function isConstant(value: Value): boolean {
  return value.kind !== "list" && value.constant === true;
}

/** The leaves of several values with one structure of lists. */
function align(
  source: Source,
  span: Span,
  values: Value[],
  inputs: Node[],
  first: number | null,
): { leaves: Leaf[]; lists: Offsets[] } {
  const parts = values.map(unwrap);
  let main = 0;
  parts.forEach((part, i) => {
    if (part.lists.length > parts[main].lists.length) main = i;
  });
  const { lists } = parts[main];
  const leaves = parts.map(({ leaf, lists: own }, i) => {
    own.forEach((offsets, level) => {
      const entry = level === 0 ? first : null;
      checkSameLists(source, span, [lists[level], offsets], [inputs[main], inputs[i]], entry);
    });
    if (leaf.constant) return leaf;
    return lists.slice(own.length).reduce(repeatFor, leaf);
  });
  return { leaves, lists };
}

/**
 * Throws where two lists of an entry differ in length, which only the data tell. `first` is the number of the first
 * entry where the lists are those of entries, null where they are of combinations or within lists.
 */
export function checkSameLists(
  source: Source,
  span: Span,
  [a, b]: [Offsets, Offsets],
  [left, right]: [{ span: Span }, { span: Span }],
  first: number | null,
): void {
  if (a === b) return;
  for (let i = 1; i < a.length; i++) {
    if (a[i] === b[i]) continue;
    const text = ({ span }: { span: Span }) => source.text.slice(span.start, span.end);
    throw problem(
      source,
      span,
      `${first === null ? "A list" : `In entry ${first + i - 1} the list`} of \`${text(left)}\` has ${a[i] - a[i - 1]} items, that of \`${text(right)}\` ${b[i] - b[i - 1]}.`,
      "Only lists of equal lengths are combined item by item: apply the same selection to both, reduce one of them, or write a loop over both.",
    );
  }
}

/** A value of one item for each item of another, whatever its depth: the innermost lists replaced by what f gives. */
export function mapInnermost(value: Value, f: (leaf: Leaf, offsets: Offsets) => Value): Value {
  if (value.kind !== "list") throw new TypeError("a list was expected");
  const { content, offsets } = value;
  if (content.kind !== "list") return f(content, offsets);
  return { kind: "list", offsets, content: mapInnermost(content, f) };
}

/** Keeps the result for the block once the part is known to be used more than once. */
export function shared(node: Node): Node {
  const { run } = node;
  let repeated = false;
  return {
    ...node,
    reuse: () => {
      repeated = true;
    },
    run: (state) => {
      if (!repeated) return run(state);
      let value = state.results.get(run);
      if (value === undefined) {
        value = run(state);
        state.results.set(run, value);
      }
      return value;
    },
  };
}
