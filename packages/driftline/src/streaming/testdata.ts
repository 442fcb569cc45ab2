// What the tests of this folder share: the family, the reference file, and the fixtures' numbers worked out again.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { loadFamily } from "../family/loadFamily.ts";
import type { ResponseBatch } from "../family/responses.ts";
import type { ReadOptions } from "./readResponses.ts";

const repository = join(import.meta.dirname, "../../../..");
export const family = loadFamily(join(repository, "families/mpd.tpc/family.yaml"));
export const v4 = join(
  process.env.DRIFTLINE_TEST_DATA ?? join(repository, "../shared/data"),
  "tpc/mpd-tpc-v4.root",
);
export const skipWithoutV4 = existsSync(v4) ? false : `the reference file is absent: ${v4}`;
export const python = join(repository, "trainer/.venv/bin/python");
export const fixture = (name: string) => join(import.meta.dirname, "testdata", name);

/** Options that read these files as family.yaml maps them. */
export function reading(files: string[], changes: Partial<ReadOptions> = {}): ReadOptions {
  const { inputs, output } = family;
  return {
    files,
    mapping: family.data.files!,
    inputs,
    output,
    threshold: null,
    saturation: null,
    ...changes,
  };
}

/** All rows in one batch. */
export async function collect(batches: AsyncIterable<ResponseBatch>): Promise<ResponseBatch> {
  const parts: ResponseBatch[] = [];
  for await (const batch of batches) parts.push(batch);
  return {
    rows: parts.reduce((sum, { rows }) => sum + rows, 0),
    features: Float32Array.from(parts.flatMap(({ features }) => [...features])),
    responses: Float32Array.from(parts.flatMap(({ responses }) => [...responses])),
    ids: BigInt64Array.from(parts.flatMap(({ ids }) => [...ids])),
  };
}

/** Features and responses of responses.root, as testdata/make.py makes them. */
export function expectedFixture(threshold: number, saturation: number) {
  const features: number[] = [];
  const responses = new Float32Array(40 * 8 * 16);
  for (let e = 0; e < 40; e++) {
    const [drift, pad] = [100.25 + 0.5 * e, 30.75 + (e % 5)];
    features.push(-19 + e, 2 * e - 40, drift, pad, e, 0.5 + e / 100);
    for (let k = 0; k < e % 4; k++) {
      if (e === 7 && k === 2) continue; // 20 pads away
      // pad = trunc(coordinate) + k - 1, first -3: index k + 2; time = trunc(coordinate) + 2k - 1, first -7: 2k + 6.
      const amplitude = 0.5 + k + e;
      responses[(e * 8 + k + 2) * 16 + 2 * k + 6] =
        amplitude < threshold ? 0 : Math.min(amplitude, saturation);
    }
  }
  return { features: Float32Array.from(features), responses };
}
