// The figures of every comparison that need no classifier: profiles, distances, calibration, nearest neighbours.

import { memorisationPoints } from "./baseline.ts";
import type { Pair } from "./classifiers.ts";
import { centredInterval, compare } from "./compare.ts";
import { median, nearestInBlocks } from "./neighbours.ts";
import { resamplingCounts } from "./random.ts";
import { type Sample, someDraws } from "./sample.ts";

export type OwnFigures = Awaited<ReturnType<typeof compare>> & {
  neighbourRatio: number;
  neighbourInterval: [number, number] | null;
};

/**
 * One entry a pair, with bootstrap intervals for the model's (`resamplings` of them). `reference` are the training
 * events among which neighbours are sought. Leaves the event loop free between parts.
 */
export async function ownFigures(
  pairs: Pair[],
  reference: Sample,
  setting: Parameters<typeof compare>[2],
  resamplings: number,
  signal?: AbortSignal,
): Promise<OwnFigures[]> {
  const points = memorisationPoints(reference, reference, setting);
  const known = new Map<Sample, Float64Array>();
  const distancesOf = async (sample: Sample): Promise<Float64Array> => {
    const before = known.get(sample);
    if (before) return before;
    const queries = memorisationPoints(someDraws(sample, 0, 1), reference, setting);
    const { distances } = await nearestInBlocks(queries, points, { signal });
    known.set(sample, distances);
    return distances;
  };
  const out: OwnFigures[] = [];
  for (const { name, test } of pairs) {
    const isModel = name === "model";
    const { comparison, intervals } = await compare(
      test.truth,
      test.generated,
      setting,
      isModel ? resamplings : 0,
      signal,
    );
    const [trueDistances, generatedDistances] = [
      await distancesOf(test.truth),
      await distancesOf(test.generated),
    ];
    const ratio = (counts?: Float64Array) =>
      median(generatedDistances, counts) / median(trueDistances, counts);
    const replicates = isModel
      ? Array.from({ length: resamplings }, (_, k) =>
          ratio(resamplingCounts(test.truth.events, setting.seed, k)),
        )
      : [];
    out.push({
      comparison,
      intervals,
      neighbourRatio: ratio(),
      neighbourInterval: isModel ? centredInterval(ratio(), replicates) : null,
    });
  }
  return out;
}
