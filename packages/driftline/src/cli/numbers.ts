// Whole numbers among the options.

import { fail } from "../errors/registry.ts";

/** Rows that are held in memory at once: 10 million of mpd.tpc are 5 GB. */
export const mostRows = 10_000_000;

export function integer(
  option: string,
  text: string | undefined,
  { minimum = 0, maximum = Number.MAX_SAFE_INTEGER } = {},
): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= minimum && value <= maximum) return value;
  const range = maximum === Number.MAX_SAFE_INTEGER ? ` from ${minimum}` : ` from ${minimum} to ${maximum}`;
  const needed = `a whole number${range}`;
  throw fail("usage", `${option} ${text}: ${needed} is needed.`, {
    field: option,
    remedy: `For example ${option} 1000.`,
  });
}
