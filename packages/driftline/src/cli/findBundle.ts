// A bundle named on the command line: a family with conditions, or a digest.

import type { Driftline, Model } from "@driftline/client/api";
import { fail } from "../errors/registry.ts";
import type { OptionValues } from "./command.ts";
import { describeResolution, questionOf, type questionOptions } from "./question.ts";

export interface FoundBundle {
  model: Model;
  match: "exact" | "compatible" | "digest";
  distance: number;
}

/** Throws `no_model` with the explained miss where no model fits. */
export async function findBundle(
  driftline: Driftline,
  name: string,
  options: OptionValues<typeof questionOptions>,
): Promise<FoundBundle> {
  if (/^[0-9a-f]{8,64}$/.test(name))
    return { model: await driftline.model(name), match: "digest", distance: 0 };
  const resolution = await driftline.resolve(name, questionOf(options));
  if (resolution.found) return resolution;
  throw fail("no_model", describeResolution(resolution), {
    remedy: "Make it with `driftline ensure`, or widen the question with --accept compatible.",
    data: { ...resolution },
  });
}
