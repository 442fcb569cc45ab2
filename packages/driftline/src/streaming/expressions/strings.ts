// Tests of string columns on their bytes: equality, beginnings, ends.

import type { Flags, Leaf } from "./values.ts";

export type Strings = Extract<Leaf, { kind: "string" }>;

function compareEach(
  a: Strings,
  b: Strings,
  n: number,
  f: (a: Flags, from: number, to: number, b: Flags, fromB: number, toB: number) => boolean,
): Flags {
  const ma = a.constant ? 0 : -1;
  const mb = b.constant ? 0 : -1;
  const out = new Uint8Array(n);
  for (let i = 0; i < n; i++) {
    const ia = i & ma;
    const ib = i & mb;
    out[i] = f(a.bytes, a.offsets[ia], a.offsets[ia + 1], b.bytes, b.offsets[ib], b.offsets[ib + 1]) ? 1 : 0;
  }
  return out;
}

export function equalStrings(a: Strings, b: Strings, n: number): Flags {
  return compareEach(a, b, n, (x, from, to, y, fromY, toY) => {
    if (to - from !== toY - fromY) return false;
    return matches(x, from, y, fromY, toY);
  });
}

export function startsWith(a: Strings, b: Strings, n: number): Flags {
  return compareEach(
    a,
    b,
    n,
    (x, from, to, y, fromY, toY) => to - from >= toY - fromY && matches(x, from, y, fromY, toY),
  );
}

export function endsWith(a: Strings, b: Strings, n: number): Flags {
  return compareEach(a, b, n, (x, from, to, y, fromY, toY) => {
    const start = to - (toY - fromY);
    return start >= from && matches(x, start, y, fromY, toY);
  });
}

export function contains(a: Strings, b: Strings, n: number): Flags {
  return compareEach(a, b, n, (x, from, to, y, fromY, toY) => {
    for (let start = from; start <= to - (toY - fromY); start++)
      if (matches(x, start, y, fromY, toY)) return true;
    return false;
  });
}

function matches(x: Flags, start: number, y: Flags, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (x[start + i - from] !== y[i]) return false;
  return true;
}
