// Loops over typed arrays for arithmetic, comparisons and conditions. Each operation has a loop of its own, so that the
// compiler of the runtime sees one; an operand that is constant is an array of one value and a mask of 0 in place of -1.

import type { BinaryOperator, ComparisonOperator } from "./syntax.ts";
import type { Flags, Numbers } from "./values.ts";

/** `data[i & mask]` is the value of item i. */
export interface Operand<T> {
  data: T;
  mask: 0 | -1;
}

export function arithmetic(
  operator: BinaryOperator,
  left: Operand<Numbers>,
  right: Operand<Numbers>,
  n: number,
): Numbers {
  const { data: a, mask: ma } = left;
  const { data: b, mask: mb } = right;
  const out = new Float64Array(n);
  switch (operator) {
    case "+":
      for (let i = 0; i < n; i++) out[i] = a[i & ma] + b[i & mb];
      break;
    case "-":
      for (let i = 0; i < n; i++) out[i] = a[i & ma] - b[i & mb];
      break;
    case "*":
      for (let i = 0; i < n; i++) out[i] = a[i & ma] * b[i & mb];
      break;
    case "/":
      for (let i = 0; i < n; i++) out[i] = a[i & ma] / b[i & mb];
      break;
    case "%":
      for (let i = 0; i < n; i++) out[i] = modulo(a[i & ma], b[i & mb]);
      break;
    case "**":
      if (mb === 0 && b[0] === 2) for (let i = 0; i < n; i++) out[i] = a[i & ma] * a[i & ma];
      else for (let i = 0; i < n; i++) out[i] = power(a[i & ma], b[i & mb]);
  }
  return out;
}

/** The remainder with the divisor's sign, as in Python and NumPy. */
export function modulo(a: number, b: number): number {
  const rest = a % b;
  if (rest === 0) return b < 0 ? -0 : 0;
  return rest < 0 !== b < 0 ? rest + b : rest;
}

/** IEEE 754 pow: unlike ECMAScript's, 1 to any power is 1, and -1 to an infinite one. */
export function power(a: number, b: number): number {
  if (a === 1 || (a === -1 && (b === Number.POSITIVE_INFINITY || b === Number.NEGATIVE_INFINITY))) return 1;
  return a ** b;
}

/** `+(…)` in place of `… ? 1 : 0`: no branch that the processor would have to guess, three times as fast. */
export function comparison(
  operator: ComparisonOperator,
  left: Operand<Numbers>,
  right: Operand<Numbers>,
  n: number,
): Flags {
  const { data: a, mask: ma } = left;
  const { data: b, mask: mb } = right;
  const out = new Uint8Array(n);
  switch (operator) {
    case "<":
      for (let i = 0; i < n; i++) out[i] = +(a[i & ma] < b[i & mb]);
      break;
    case "<=":
      for (let i = 0; i < n; i++) out[i] = +(a[i & ma] <= b[i & mb]);
      break;
    case ">":
      for (let i = 0; i < n; i++) out[i] = +(a[i & ma] > b[i & mb]);
      break;
    case ">=":
      for (let i = 0; i < n; i++) out[i] = +(a[i & ma] >= b[i & mb]);
      break;
    case "==":
      for (let i = 0; i < n; i++) out[i] = +(a[i & ma] === b[i & mb]);
      break;
    case "!=":
      // True where one is NaN, as IEEE 754 and all languages have it: the opposite of ==.
      for (let i = 0; i < n; i++) out[i] = +(a[i & ma] !== b[i & mb]);
  }
  return out;
}

export function and(left: Operand<Flags>, right: Operand<Flags>, n: number): Flags {
  const { data: a, mask: ma } = left;
  const { data: b, mask: mb } = right;
  const out = new Uint8Array(n);
  for (let i = 0; i < n; i++) out[i] = a[i & ma] & b[i & mb];
  return out;
}

export function or(left: Operand<Flags>, right: Operand<Flags>, n: number): Flags {
  const { data: a, mask: ma } = left;
  const { data: b, mask: mb } = right;
  const out = new Uint8Array(n);
  for (let i = 0; i < n; i++) out[i] = a[i & ma] | b[i & mb];
  return out;
}

export function not({ data, mask }: Operand<Flags>, n: number): Flags {
  const out = new Uint8Array(n);
  for (let i = 0; i < n; i++) out[i] = data[i & mask] ^ 1;
  return out;
}

export function chooseNumbers(
  condition: Operand<Flags>,
  yes: Operand<Numbers>,
  no: Operand<Numbers>,
  n: number,
): Numbers {
  const out = new Float64Array(n);
  for (let i = 0; i < n; i++)
    out[i] = condition.data[i & condition.mask] ? yes.data[i & yes.mask] : no.data[i & no.mask];
  return out;
}

export function chooseFlags(
  condition: Operand<Flags>,
  yes: Operand<Flags>,
  no: Operand<Flags>,
  n: number,
): Flags {
  const out = new Uint8Array(n);
  for (let i = 0; i < n; i++)
    out[i] = condition.data[i & condition.mask] ? yes.data[i & yes.mask] : no.data[i & no.mask];
  return out;
}

/** A function of one number, for those that take longer than the call. */
export function map1(f: (x: number) => number, { data, mask }: Operand<Numbers>, n: number): Numbers {
  const out = new Float64Array(n);
  for (let i = 0; i < n; i++) out[i] = f(data[i & mask]);
  return out;
}

export function map2(
  f: (x: number, y: number) => number,
  left: Operand<Numbers>,
  right: Operand<Numbers>,
  n: number,
): Numbers {
  const { data: a, mask: ma } = left;
  const { data: b, mask: mb } = right;
  const out = new Float64Array(n);
  for (let i = 0; i < n; i++) out[i] = f(a[i & ma], b[i & mb]);
  return out;
}

export function negate({ data, mask }: Operand<Numbers>, n: number): Numbers {
  const out = new Float64Array(n);
  for (let i = 0; i < n; i++) out[i] = -data[i & mask];
  return out;
}

export function absolute({ data, mask }: Operand<Numbers>, n: number): Numbers {
  const out = new Float64Array(n);
  for (let i = 0; i < n; i++) out[i] = Math.abs(data[i & mask]);
  return out;
}

export function squareRoot({ data, mask }: Operand<Numbers>, n: number): Numbers {
  const out = new Float64Array(n);
  for (let i = 0; i < n; i++) out[i] = Math.sqrt(data[i & mask]);
  return out;
}

export function test(f: (x: number) => boolean, { data, mask }: Operand<Numbers>, n: number): Flags {
  const out = new Uint8Array(n);
  for (let i = 0; i < n; i++) out[i] = f(data[i & mask]) ? 1 : 0;
  return out;
}

/** True and false as 1 and 0. */
export function toNumbers({ data, mask }: Operand<Flags>): Operand<Numbers> {
  return { data: new Float64Array(data), mask };
}
