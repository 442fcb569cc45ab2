// How tightly operators bind, and which of them mean the same.

import type { BinaryOperator } from "./syntax.ts";

/** From the loosest to the tightest: `? :`, `or`, `and`, `not`, `|`, `&`, comparisons, `+`, `*`, signs, `**`. */
export const levels = {
  choice: 0,
  or: 1,
  and: 2,
  not: 3,
  pipe: 4,
  ampersand: 5,
  comparison: 6,
  sum: 7,
  product: 8,
  sign: 9,
  power: 10,
};
export const arithmetic: Record<BinaryOperator, number> = {
  "+": levels.sum,
  "-": levels.sum,
  "*": levels.product,
  "/": levels.product,
  "%": levels.product,
  "**": levels.power,
};
export const conditions = {
  "&&": ["&&", levels.and],
  and: ["&&", levels.and],
  "||": ["||", levels.or],
  or: ["||", levels.or],
  "&": ["&&", levels.ampersand],
  "|": ["||", levels.pipe],
} as const;
export const comparisons = ["<", "<=", ">", ">=", "==", "!="];
