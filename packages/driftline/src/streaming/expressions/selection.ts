// Brackets behind a value: an item of a list, the items that a condition selects, items in the order of a list of numbers.

import { concatenate, count, order, pick, select, slice } from "./lists.ts";
import { checkSameLists, isConstant, type Node } from "./node.ts";
import { textOf } from "./operations.ts";
import { problem, type Source, type Span } from "./problem.ts";
import { checkItems, deepest, firstEntry, lift, rowsAround, rowsOf } from "./state.ts";
import { listOfItems, spread, take } from "./take.ts";
import { type Axis, describe, sameAxis } from "./types.ts";
import {
  type Leaf,
  type List,
  type Numbers,
  numbers,
  type Offsets,
  onlyFlags,
  onlyList,
  onlyNumbers,
  type Value,
  wrap,
} from "./values.ts";

/** What to do where a list was expected. */
export function needList(source: Source, node: Node, by: string): Node {
  if (node.type.axes.length > 0) return node;
  const text = textOf(source, node);
  throw problem(
    source,
    node.span,
    `${by} needs a list; \`${text}\` is ${describe(node.type)} for each ${node.space.depth > 0 ? "combination" : "entry"}.`,
    "Give a column with several values in an entry.",
  );
}

export function indexed(source: Source, span: Span, target: Node, index: Node): Node {
  needList(source, target, "[ ]");
  const { kind, axes } = index.type;
  if (kind === "bool" && axes.length > 0) return masked(source, span, target, index);
  if (kind === "number" && axes.length === 0) return picked(source, span, target, index);
  if (kind === "number" && axes.length === 1) return gathered(span, target, index);
  throw problem(
    source,
    index.span,
    `An index is a number, a list of numbers or a list of conditions; this is ${describe(index.type)}.`,
    kind === "bool"
      ? "For a condition on the whole entry write condition ? list : other, or make it a cut."
      : "Write [0] for the first, [-1] for the last, [condition] for a selection.",
  );
}

/** `x[mask]`: the items whose condition holds, at the level of the mask's innermost lists. */
function masked(source: Source, span: Span, target: Node, mask: Node): Node {
  const level = mask.type.axes.length - 1;
  if (target.type.axes.length <= level)
    throw problem(
      source,
      mask.span,
      `This condition is ${describe(mask.type)}, what it selects from ${describe(target.type)}.`,
      "Reduce the condition with any(…) or all(…).",
    );
  const axes = target.type.axes.map((axis, at) =>
    at <= level ? sameAxis(source, span, mask.type.axes[at], axis) : axis,
  );
  const { collection } = axes[level];
  axes[level] = { collection, filtered: true, label: source.text.slice(span.start, span.end) };
  const space = deepest([target.space, mask.space]);
  const apply = (value: List, flags: List, first: number | null): List => {
    checkSameLists(source, span, [value.offsets, flags.offsets], [target, mask], first);
    if (flags.content.kind !== "list")
      return select(value, onlyFlags(spread(flags.content, flags.offsets.at(-1)!)));
    return { ...value, content: apply(onlyList(value.content), flags.content, null) };
  };
  return {
    span,
    type: { ...target.type, axes },
    space,
    run: (state) =>
      apply(
        onlyList(lift(state, target.run(state), target.space, space)),
        onlyList(lift(state, mask.run(state), mask.space, space)),
        firstEntry(state, space),
      ),
  };
}

/** `x[0]`, `x[i]`: one item of each list, missing where there is none. */
function picked(source: Source, span: Span, target: Node, index: Node): Node {
  const [axis, ...rest] = target.type.axes;
  const { variable } = index;
  if (variable !== undefined) sameAxis(source, span, variable.axis, axis);
  const space = deepest([target.space, index.space]);
  return {
    span,
    type: { ...target.type, axes: rest },
    space,
    run: (state) => {
      const list = onlyList(target.run(state));
      const rows = rowsAround(state, space, target.space);
      const frame = variable && state.frames.get(variable.loop)!;
      if (frame !== undefined && frame.lists.space === target.space) {
        const counted: [Offsets, Offsets] = [list.offsets, frame.lists.offsets];
        checkSameLists(
          source,
          span,
          counted,
          [target, { span: variable!.loop.counted }],
          firstEntry(state, target.space),
        );
        const indexRows = rowsAround(state, space, variable!.loop);
        const indices = frame.indices[variable!.position];
        return take(list.content, count(list.offsets, rows, indices, indexRows, rowsOf(state, space)));
      }
      const value = index.run(state);
      const mask = isConstant(value) ? 0 : -1;
      const wanted = onlyNumbers(lift(state, value, index.space, space));
      return take(list.content, pick(list.offsets, rows, wanted, mask, rowsOf(state, space)));
    },
  };
}

/** `Jet_pt[Muon_jetIdx]`: for each number of a list the item of the other list. */
function gathered(span: Span, target: Node, index: Node): Node {
  const space = deepest([target.space, index.space]);
  return {
    span,
    type: { ...target.type, axes: [index.type.axes[0], ...target.type.axes.slice(1)] },
    space,
    run: (state) => {
      const list = onlyList(target.run(state));
      const wanted = onlyList(lift(state, index.run(state), index.space, space));
      const items = listOfItems(wanted.offsets);
      const rows = rowsAround(state, space, target.space);
      if (rows !== null) for (let i = 0; i < items.length; i++) items[i] = rows[items[i]];
      const places = pick(list.offsets, items, onlyNumbers(wanted.content), -1, items.length);
      return { kind: "list", offsets: wanted.offsets, content: take(list.content, places) };
    },
  };
}

/** `x[:2]`: the first two. */
export function sliced(source: Source, span: Span, target: Node, from: Node | null, to: Node | null): Node {
  needList(source, target, "[ : ]");
  const bounds = [from, to].filter((bound) => bound !== null);
  for (const bound of bounds)
    if (bound.type.kind !== "number" || bound.type.axes.length > 0)
      throw problem(
        source,
        bound.span,
        `The bound of a range is a number; this is ${describe(bound.type)}.`,
        "Write [:2] for the first two.",
      );
  const space = deepest([target.space, ...bounds.map((bound) => bound.space)]);
  const [axis, ...rest] = target.type.axes;
  const label = source.text.slice(span.start, span.end);
  return {
    span,
    type: { ...target.type, axes: [{ collection: axis.collection, filtered: true, label }, ...rest] },
    space,
    run: (state) => {
      const values = [from, to].map((bound) =>
        bound === null ? null : lift(state, bound.run(state), bound.space, space),
      );
      const [first, last] = values.map((value) => (value === null ? null : onlyNumbers(value)));
      const masks = values.map((value) => (value !== null && isConstant(value) ? 0 : -1));
      return slice(
        onlyList(lift(state, target.run(state), target.space, space)),
        first,
        last,
        masks as [0 | -1, 0 | -1],
      );
    },
  };
}

/** The items of a list in ascending order of the keys, or with `places` their places in that order. */
export function sorted(source: Source, span: Span, target: Node, keys: Node, places: boolean): Node {
  const axes = target.type.axes.map((axis, level) =>
    level < keys.type.axes.length ? sameAxis(source, span, keys.type.axes[level], axis) : axis,
  );
  const space = deepest([target.space, keys.space]);
  const apply = (value: List, by: List, first: number | null): Value => {
    checkSameLists(source, span, [value.offsets, by.offsets], [target, keys], first);
    if (by.content.kind === "list")
      return { ...value, content: apply(onlyList(value.content), by.content, null) };
    const sortedPlaces = order(onlyNumbers(by.content), by.offsets);
    if (!places) return { ...value, content: take(value.content, sortedPlaces) };
    return { ...value, content: numbers(withinLists(sortedPlaces, by.offsets)) };
  };
  return {
    span,
    type: places ? { kind: "number", axes } : { ...target.type, axes },
    space,
    run: (state) =>
      apply(
        onlyList(lift(state, target.run(state), target.space, space)),
        onlyList(lift(state, keys.run(state), keys.space, space)),
        firstEntry(state, space),
      ),
  };
}

/** The lists of several collections one after another. */
export function concatenated(source: Source, span: Span, lists: Node[]): Node {
  const [first] = lists;
  for (const node of lists) {
    needList(source, node, "concat");
    if (node.type.axes.length > 1 || (node.type.kind !== "number" && node.type.kind !== "bool"))
      throw problem(
        source,
        node.span,
        `concat joins lists of numbers; this is ${describe(node.type)}.`,
        "Join the columns of numbers one by one.",
      );
    if (node.type.kind !== first.type.kind)
      throw problem(
        source,
        node.span,
        `concat joins lists of one kind; this is ${describe(node.type)}, the first ${describe(first.type)}.`,
        "Turn true and false into numbers: 1 * (…).",
      );
  }
  const axes = lists.map((node) => node.type.axes[0]);
  const collections = axes.map((axis) => axis.collection);
  const axis: Axis = {
    collection: collections.includes(null) ? null : collections.join(" and "),
    filtered: axes.some((each) => each.filtered),
    label: source.text.slice(span.start, span.end),
  };
  const space = deepest(lists.map((node) => node.space));
  const join = (contents: Value[]): Value => {
    const length = (value: Value) =>
      value.kind === "number" || value.kind === "bool" ? value.data.length : 0;
    const total = contents.reduce((sum, content) => sum + length(content), 0);
    checkItems(total);
    const parts = contents as Extract<Leaf, { kind: "number" | "bool" }>[];
    const data = parts[0].kind === "bool" ? new Uint8Array(total) : new Float64Array(total);
    let at = 0;
    for (const part of parts) {
      data.set(part.data, at);
      at += part.data.length;
    }
    return data instanceof Uint8Array ? { kind: "bool", data } : numbers(data);
  };
  return {
    span,
    type: { kind: first.type.kind, axes: [axis] },
    space,
    run: (state) =>
      concatenate(
        lists.map((node) => onlyList(lift(state, node.run(state), node.space, space))),
        join,
      ),
  };
}

/** The places of the items in their lists: 0, 1, 2 …, as `Iteration$` in TTree::Draw. */
export function places(source: Source, span: Span, list: Node): Node {
  needList(source, list, "The place of an item");
  const [axis] = list.type.axes;
  return {
    span,
    type: { kind: "number", axes: [axis] },
    space: list.space,
    run: (state) => {
      const { offsets } = onlyList(list.run(state));
      const own = new Float64Array(offsets[offsets.length - 1]);
      for (let i = 0; i < own.length; i++) own[i] = i;
      return wrap(numbers(withinLists(own, offsets)), [offsets]);
    },
  };
}

/** Places counted from the beginning of each list in place of that of the first. */
function withinLists(places: Offsets | Numbers, offsets: Offsets): Numbers {
  const own = new Float64Array(places.length);
  for (let list = 0; list + 1 < offsets.length; list++)
    for (let i = offsets[list]; i < offsets[list + 1]; i++) own[i] = places[i] - offsets[list];
  return own;
}
