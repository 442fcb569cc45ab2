// How many examples a generated test runs and from which seed: `--runs` and `--seed` of `npm run fuzz`, else few and always the same.

import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: { runs: { type: "string", default: "300" }, seed: { type: "string", default: "1" } },
});

/** What fast-check is given: a failure prints the seed, and `npm run fuzz -- --seed N` repeats it. */
export const generated = { numRuns: Number(values.runs), seed: Number(values.seed) };
