// Many at once: processes that ask for one missing model, and processes that publish.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import type { Hit, Job, JobEvent, Model } from "@driftline/client";
import { connect } from "@driftline/client";
import { driftline, driftlineJson, serve, temporaryDirectory } from "../support.ts";
import { assertNothingRedone } from "./kill.ts";
import { assertNoneLeft } from "./processes.ts";
import { publishTogether } from "./publishers.ts";

test("32 processes ask for one missing model: one job, one training, 32 equal answers", async (t) => {
  const data = join(await temporaryDirectory(t), "data");
  const here = ["--data-dir", data];
  const runs = await Promise.all(
    Array.from({ length: 32 }, () => driftline(["ensure", "test.fast", "--wait", "--json", ...here])),
  );
  for (const { code, stdout, stderr } of runs) assert.equal(code, 0, `${stdout}\n${stderr}`);
  const hits = runs.map(({ stdout }) => JSON.parse(stdout) as Hit);
  const jobs = await driftlineJson<Job[]>(["jobs", ...here]);
  assert.equal(jobs.length, 1);
  assert.equal(jobs[0].attempt, 1);
  const models = await driftlineJson<Model[]>(["models", ...here]);
  assert.deepEqual(
    models.map(({ bundle }) => bundle),
    [jobs[0].bundle],
  );
  // Those that came late were answered from the catalogue; the others followed the job.
  for (const { model, match, question } of hits) {
    assert.deepEqual([model, match, question.key], [hits[0].model, "exact", models[0].key]);
  }
  await assertNoneLeft(data, []);
  const server = await serve(t, data);
  const sdk = connect(server.url);
  const events: JobEvent[] = [];
  for await (const event of sdk.events(jobs[0].id)) events.push(event);
  await sdk.close();
  assertNothingRedone(events);
  const trainings = events.filter(
    ({ stage, state, type }) => type === "stage" && stage === "train" && state === "running",
  );
  assert.equal(trainings.length, 1);
});

test("8 processes publish different and equal keys: no binding is lost, nobody is turned away", async (t) => {
  t.diagnostic(await publishTogether(await temporaryDirectory(t), { processes: 8, seconds: 10 }));
});
