// A list of models that is at hand whole, in the order in which every catalogue lists them.

import type { Model } from "./api.ts";
import { DriftlineError } from "./error.ts";

/** Newest first, then by digest; those that follow the model `after`. Throws `unknown_model` where it is none of them. */
export function* newestFirst(models: Model[], after: string | undefined): Generator<Model> {
  const sorted = models.toSorted(
    (a, b) => descending(a.createdAt, b.createdAt) || descending(a.bundle, b.bundle),
  );
  const last = after === undefined ? -1 : sorted.findIndex(({ bundle }) => bundle.startsWith(after));
  if (after !== undefined && last === -1) {
    throw new DriftlineError("unknown_model", `The list has no model ${after}.`, {
      field: "after",
      remedy: "Give the digest of a model that it has.",
    });
  }
  yield* sorted.slice(last + 1);
}

function descending(a: string, b: string): number {
  return a < b ? 1 : a > b ? -1 : 0;
}
