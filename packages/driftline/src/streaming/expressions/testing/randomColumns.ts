// Random columns for generated expressions, and the random numbers that they are drawn from.

import type { Shape } from "@driftline/rootio";
import { bool, integer, list, number, single } from "./columns.ts";

/** Which lists a value has: none, those of a collection, or lists of lists and their outer ones. */
export type Axis = "flat" | "A" | "B" | "outer" | "inner";

type Values = (number | boolean | Values)[];

export interface GeneratedColumn {
  shape: Shape;
  values: Values;
  axis: Axis;
  kind: "number" | "bool";
}

export type Random = () => number;

/** mulberry32, https://github.com/bryc/code/blob/master/jshash/PRNGs.md */
export function randomFrom(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const choose = <T>(random: Random, items: readonly T[]): T =>
  items[Math.floor(random() * items.length)];

/** Columns with empty lists, NaN, infinities, zeros and equal values. */
export function randomColumns(random: Random, entries: number): Record<string, GeneratedColumn> {
  const real = (): number => {
    const special = random();
    if (special < 0.03) return Number.NaN;
    if (special < 0.05) return choose(random, [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
    if (special < 0.15) return choose(random, [0, -0, 1, -1, 2, 0.5]);
    return (random() - 0.5) * 10 ** Math.floor(random() * 4);
  };
  const whole = () => Math.floor(random() * 9) - 4;
  const truth = () => random() < 0.5;
  const lengths = (n: number) =>
    Array.from({ length: n }, () => (random() < 0.25 ? 0 : Math.floor(random() * 5)));
  const many = <T>(n: number, one: () => T) => Array.from({ length: n }, one);
  const of = { A: lengths(entries), B: lengths(entries), outer: lengths(entries) };
  const inner = of.outer.map((n) => lengths(n));
  const jagged = (axis: keyof typeof of, one: () => number | boolean): Values =>
    of[axis].map((n) => many(n, one));
  const fround = (values: Values): Values =>
    values.map((value) => (typeof value === "object" ? fround(value) : Math.fround(value as number)));
  const column = (
    shape: Shape,
    axis: Axis,
    values: Values,
    kind: "number" | "bool" = "number",
  ): GeneratedColumn => ({ shape, axis, values, kind });
  return {
    f1: column(number, "flat", many(entries, real)),
    f2: column(single, "flat", fround(many(entries, real))),
    f3: column(integer, "flat", many(entries, whole)),
    fb: column(bool, "flat", many(entries, truth), "bool"),
    A1: column(list(number), "A", jagged("A", real)),
    A2: column(list(single), "A", fround(jagged("A", real))),
    A3: column(list(integer), "A", jagged("A", whole)),
    Ab: column(list(bool), "A", jagged("A", truth), "bool"),
    B1: column(list(number), "B", jagged("B", real)),
    B2: column(list(integer), "B", jagged("B", whole)),
    Bb: column(list(bool), "B", jagged("B", truth), "bool"),
    outer1: column(list(number), "outer", jagged("outer", real)),
    outerb: column(list(bool), "outer", jagged("outer", truth), "bool"),
    inner1: column(
      list(list(number)),
      "inner",
      inner.map((sizes) => sizes.map((n) => many(n, real))),
    ),
    inner2: column(
      list(list(single)),
      "inner",
      inner.map((sizes) => sizes.map((n) => fround(many(n, real)))),
    ),
    innerb: column(
      list(list(bool)),
      "inner",
      inner.map((sizes) => sizes.map((n) => many(n, truth))),
      "bool",
    ),
  };
}
