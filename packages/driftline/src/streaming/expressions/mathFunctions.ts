// Functions of numbers, item by item.

import * as kernels from "./kernels.ts";
import { elementwise, type Node } from "./node.ts";
import { needNumber, numberOperand } from "./operations.ts";
import type { Source, Span } from "./problem.ts";
import { flags, numbers } from "./values.ts";

/** Functions of one number. */
export const ofOne: Record<string, (x: number) => number> = {
  abs: Math.abs,
  sqrt: Math.sqrt,
  cbrt: Math.cbrt,
  exp: Math.exp,
  expm1: Math.expm1,
  log: Math.log,
  log10: Math.log10,
  log2: Math.log2,
  log1p: Math.log1p,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  asinh: Math.asinh,
  acosh: Math.acosh,
  atanh: Math.atanh,
  floor: Math.floor,
  ceil: Math.ceil,
  trunc: Math.trunc,
  round: roundHalfEven,
  // Of -0 it is 0, as in NumPy.
  sign: (x) => Math.sign(x) + 0,
};

/** Functions of two numbers; of min and max any number of them. */
export const ofTwo: Record<string, (x: number, y: number) => number> = {
  pow: kernels.power,
  atan2: Math.atan2,
  hypot: Math.hypot,
  fmod: (x, y) => x % y,
  min: (x, y) => Math.min(x, y),
  max: (x, y) => Math.max(x, y),
  alt: (x, fallback) => (Number.isNaN(x) ? fallback : x),
  bitand: bitAnd,
};

/** True or false of one number. */
export const tests: Record<string, (x: number) => boolean> = {
  isnan: Number.isNaN,
  isfinite: Number.isFinite,
  isinf: (x) => x === Number.POSITIVE_INFINITY || x === Number.NEGATIVE_INFINITY,
};

/** Halves to the even neighbour, as NumPy and IEEE 754. */
function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest < 0.5) return floor;
  if (rest > 0.5) return Math.ceil(x);
  return floor % 2 === 0 ? floor : Math.ceil(x);
}

const word = 2 ** 32;

/** The bits that two whole numbers have in common, of numbers up to 2^53; NaN for a fraction. */
function bitAnd(x: number, mask: number): number {
  if (!Number.isSafeInteger(x) || !Number.isSafeInteger(mask)) return Number.NaN;
  return ((Math.floor(x / word) & Math.floor(mask / word)) >>> 0) * word + ((x & mask) >>> 0);
}

const loops: Partial<Record<string, typeof kernels.negate>> = {
  abs: kernels.absolute,
  sqrt: kernels.squareRoot,
};

export function applyOne(source: Source, span: Span, name: string, parameter: Node): Node {
  needNumber(source, parameter, name);
  const loop = loops[name];
  const f = ofOne[name];
  return elementwise(source, span, [parameter], "number", ([leaf], n) =>
    numbers(loop ? loop(numberOperand(leaf), n) : kernels.map1(f, numberOperand(leaf), n)),
  );
}

export function applyTwo(source: Source, span: Span, name: string, left: Node, right: Node): Node {
  for (const side of [left, right]) needNumber(source, side, name);
  const f = ofTwo[name];
  return elementwise(source, span, [left, right], "number", ([a, b], n) =>
    numbers(kernels.map2(f, numberOperand(a), numberOperand(b), n)),
  );
}

export function applyTest(source: Source, span: Span, name: string, parameter: Node): Node {
  needNumber(source, parameter, name);
  return elementwise(source, span, [parameter], "bool", ([leaf], n) =>
    flags(kernels.test(tests[name], numberOperand(leaf), n)),
  );
}
