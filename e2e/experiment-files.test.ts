// A model from the experiment's own file in place of the simulator: 5,000 responses of the MPD TPC.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Hit, Job } from "@driftline/client";
import { driftline, driftlineJson, sharedData, temporaryDirectory } from "./support.ts";

const file = join(sharedData, "tpc/mpd-tpc-v4.root");
const skip = existsSync(file) ? false : `${file} is absent: set DRIFTLINE_TEST_DATA`;

test("the experiment's file becomes a published model that says what it covers", { skip }, async (t) => {
  const directory = await temporaryDirectory(t);
  const here = ["--data-dir", join(directory, "data")];
  const question = ["mpd.tpc", "--software", "simulator=mpdroot/unknown", ...here];

  const unknown = await driftline(["ensure", ...question, "--wait"]);
  assert.equal(unknown.code, 2, "nothing here runs that simulator");
  assert.match(unknown.stderr, /--data/);

  const made = await driftline(["ensure", ...question, "--data", file, "--wait"]);
  const [job] = await driftlineJson<Job[]>(["jobs", ...here]);
  const dataset = job.stages.find(({ name }) => name === "dataset")?.figures;
  // The source's own counts: all digits lie in the window, 1,972 are below 1 ADC.
  assert.deepEqual([dataset?.rows, dataset?.digits, dataset?.digitsOutside], [5000, 91_977, 0]);
  assert.equal(dataset?.digitsBelowThreshold, 1972);
  assert.equal(made.code, 0, made.stderr);
  assert.equal(job.state, "published");

  const hit = await driftlineJson<Hit>(["resolve", ...question]);
  assert.equal(hit.model.dataSource, "files");
  const { inputs, conditions } = hit.domain;
  assert.deepEqual([inputs.pad_row.low, inputs.pad_row.high], [23, 23]);
  assert.ok(Math.abs(inputs.drift_length.low - 24.915) < 1e-3);
  assert.ok(Math.abs(inputs.drift_length.high - 302.089) < 1e-3);
  assert.ok(Object.values(conditions).every(({ tested, low, high }) => !tested && low === high));

  const simulated = await driftline(["resolve", "mpd.tpc", ...here]);
  assert.equal(simulated.code, 4, "the base simulator's model is another one");
});
