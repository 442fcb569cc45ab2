// The functions of single elements: each in C, for rows, and in TypeScript, for what is known when the code is written.

import type { Dtype } from "./readOnnx.ts";

export interface ElementFunction {
  /** A C expression of float arguments, which are names, elements of arrays or literals; truth is 1 or 0. */
  c(args: string[]): string;
  /** The same in float64; the caller rounds to the dtype. */
  compute(args: number[], dtype: Dtype): number;
  /** Whether the result is a truth value. */
  truth?: true;
}

const binary = (operator: string, compute: ElementFunction["compute"]): ElementFunction => ({
  c: ([a, b]) => `${a} ${operator} ${b}`,
  compute,
});

const comparison = (operator: string, holds: (a: number, b: number) => boolean): ElementFunction => ({
  c: ([a, b]) => `${a} ${operator} ${b} ? 1.0f : 0.0f`,
  compute: ([a, b]) => Number(holds(a, b)),
  truth: true,
});

const isInteger = (dtype: Dtype) => dtype === "int32" || dtype === "int64";

export const elementFunctions = {
  add: binary("+", ([a, b]) => a + b),
  subtract: binary("-", ([a, b]) => a - b),
  multiply: binary("*", ([a, b]) => a * b),
  divide: binary("/", ([a, b], dtype) => (isInteger(dtype) ? Math.trunc(a / b) : a / b)),
  negate: { c: ([a]) => `-${a}`, compute: ([a]) => -a },
  absolute: { c: ([a]) => `fabsf(${a})`, compute: ([a]) => Math.abs(a) },
  floor: { c: ([a]) => `floorf(${a})`, compute: ([a]) => Math.floor(a) },
  ceiling: { c: ([a]) => `ceilf(${a})`, compute: ([a]) => Math.ceil(a) },
  reciprocal: { c: ([a]) => `1.0f / ${a}`, compute: ([a]) => 1 / a },
  squareRoot: { c: ([a]) => `sqrtf(${a})`, compute: ([a]) => Math.sqrt(a) },
  exponential: { c: ([a]) => `exp_(fused, ${a})`, compute: ([a]) => Math.exp(a) },
  logarithm: { c: ([a]) => `log_(fused, ${a})`, compute: ([a]) => Math.log(a) },
  tangent: { c: ([a]) => `tanh_(fused, ${a})`, compute: ([a]) => Math.tanh(a) },
  power: { c: ([a, b]) => `powf(${a}, ${b})`, compute: ([a, b]) => a ** b },
  sign: {
    c: ([a]) => `(float)((${a} > 0.0f) - (${a} < 0.0f))`,
    compute: ([a]) => (a > 0 ? 1 : a < 0 ? -1 : 0),
  },
  // Written so that what is not a number stays so.
  minimum: {
    c: ([a, b]) => `((${a} < ${b}) | (${a} != ${a})) ? ${a} : ${b}`,
    compute: ([a, b]) => Math.min(a, b),
  },
  maximum: {
    c: ([a, b]) => `((${a} > ${b}) | (${a} != ${a})) ? ${a} : ${b}`,
    compute: ([a, b]) => Math.max(a, b),
  },
  /** Against a bound that is a number; cheaper than `minimum`. */
  atMost: {
    c: ([a, bound]) => `${a} > ${bound} ? ${bound} : ${a}`,
    compute: ([a, bound]) => Math.min(a, bound),
  },
  atLeast: {
    c: ([a, bound]) => `${a} < ${bound} ? ${bound} : ${a}`,
    compute: ([a, bound]) => Math.max(a, bound),
  },
  equal: comparison("==", (a, b) => a === b),
  less: comparison("<", (a, b) => a < b),
  lessOrEqual: comparison("<=", (a, b) => a <= b),
  greater: comparison(">", (a, b) => a > b),
  greaterOrEqual: comparison(">=", (a, b) => a >= b),
  not: { c: ([a]) => `${a} != 0.0f ? 0.0f : 1.0f`, compute: ([a]) => Number(a === 0), truth: true },
  and: {
    c: ([a, b]) => `((${a} != 0.0f) & (${b} != 0.0f)) ? 1.0f : 0.0f`,
    compute: ([a, b]) => Number(a !== 0 && b !== 0),
    truth: true,
  },
  or: {
    c: ([a, b]) => `((${a} != 0.0f) | (${b} != 0.0f)) ? 1.0f : 0.0f`,
    compute: ([a, b]) => Number(a !== 0 || b !== 0),
    truth: true,
  },
  truth: { c: ([a]) => `${a} != 0.0f ? 1.0f : 0.0f`, compute: ([a]) => Number(a !== 0), truth: true },
  where: {
    c: ([c, a, b]) => `select_(${c} != 0.0f ? 0xffffffffu : 0u, ${a}, ${b})`,
    compute: ([c, a, b]) => (c !== 0 ? a : b),
  },
  elu: {
    c: ([a, alpha]) => `elu_(fused, ${a}, ${alpha})`,
    compute: ([a, alpha]) => (a < 0 ? alpha * (Math.exp(a) - 1) : a),
  },
  leaky: {
    c: ([a, alpha]) => `leaky_(${a}, ${alpha})`,
    compute: ([a, alpha]) => (a < 0 ? alpha * a : a),
  },
  sigmoid: { c: ([a]) => `1.0f / (1.0f + exp_(fused, -${a}))`, compute: ([a]) => 1 / (1 + Math.exp(-a)) },
  softplus: {
    c: ([a]) => `softplus_(fused, ${a})`,
    compute: ([a]) => Math.max(a, 0) + Math.log1p(Math.exp(-Math.abs(a))),
  },
} satisfies Record<string, ElementFunction>;

/** Rounds to what a dtype can hold. */
export function rounded(value: number, dtype: Dtype): number {
  if (dtype === "float32") return Math.fround(value);
  if (dtype === "bool") return Number(value !== 0);
  return value;
}
