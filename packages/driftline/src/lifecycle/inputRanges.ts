// The range of each input that a dataset covers: the family's for simulated rows, what the files hold otherwise.

import type { Family } from "../family/family.ts";
import type { Coverage } from "../streaming/coverage.ts";

export function inputRanges(
  { inputs }: Pick<Family, "inputs">,
  coverage: Coverage | null,
): Record<string, { low: number; high: number }> {
  return Object.fromEntries(inputs.map(({ name, low, high }) => [name, coverage?.[name] ?? { low, high }]));
}
