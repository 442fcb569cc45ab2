// A model made in one data directory and pushed to the server of another: judged there, served there; a bad one refused.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { connect, type GateResult, type Hit, type Job, type Model, type Problem } from "@driftline/client";
import { quickTrainings } from "./quickTrainings.ts";
import { sealBundle, spoilBundle } from "./spoiledBundle.ts";
import { driftline, driftlineJson, serve, temporaryDirectory } from "./support.ts";

test("a pushed bundle is judged before it serves, and a spoilt one is refused", async (t) => {
  const directory = await temporaryDirectory(t);
  const here = ["--data-dir", join(directory, "here")];
  const env = { ...quickTrainings, DRIFTLINE_TOKEN: "secret" };
  const run = <T>(args: string[], code = 0) => driftlineJson<T>(args, code, env);
  const made = await run<Hit>(["ensure", "test.fast", "--wait", ...here]);
  const { bundle } = made.model;
  const there = join(directory, "there");
  const server = await serve(t, there, { DRIFTLINE_SERVER_TOKEN: "secret" });
  const to = ["--to", server.url, "--wait"];
  const url = ["--url", server.url];

  // By digest, from the catalogue at hand.
  const pushed = await run<Model & { job: Job }>(["push", bundle.slice(0, 12), ...to, ...here]);
  assert.equal(pushed.bundle, bundle);
  assert.equal(pushed.serving, true);
  assert.deepEqual(
    pushed.job.stages.map(({ name, state }) => [name, state]),
    ["receive", "dataset", "validate", "domain", "publish"].map((name) => [name, "done"]),
  );
  const gates = pushed.job.verdict?.gates ?? [];
  const claimed = Object.values(made.domain.conditions).filter(({ tested }) => tested).length;
  assert.ok(gates.length > claimed, "the ends of the claimed domain are gates, too");
  const found = await run<Hit>(["resolve", "test.fast", ...url]);
  assert.equal(found.model.bundle, bundle);
  assert.deepEqual(found.domain, made.domain);

  // Pushing it again changes nothing and makes no job; the key names it.
  const again = await run<Model>(["push", bundle, ...to, ...here]);
  assert.equal(again.bundle, bundle);
  const sdk = connect(server.url, { token: "secret" });
  assert.equal((await Array.fromAsync(sdk.jobs())).length, 1);
  assert.equal((await sdk.model(found.model.key)).bundle, bundle);
  assert.equal((await sdk.model(found.model.key.slice(0, 14))).bundle, bundle);

  // The spoilt one is refused by the gates there, whatever it says of itself, and binds nothing.
  const pulled = join(directory, "pulled");
  await run(["pull", bundle, "--out", pulled, ...url]);
  const spoilt = join(directory, "spoilt");
  const bad = await spoilBundle(pulled, spoilt, 3);
  assert.equal((await driftline(["verify", spoilt], env)).code, 0, "it is whole");
  const refusal = await run<Problem & { job: string; verdict: { gates: GateResult[] } }>(
    ["push", spoilt, ...to],
    3,
  );
  assert.equal(refusal.code, "refused");
  const failed = refusal.verdict.gates.filter(({ passed }) => !passed);
  assert.equal(failed[0]?.metric, "wasserstein");
  assert.match(refusal.detail, /wasserstein is \d+\.?\d*, allowed is at most 5/);
  assert.equal((await run<Hit>(["resolve", "test.fast", ...url])).model.bundle, bundle);
  await assert.rejects(sdk.model(bad), { code: "unknown_model" });
  const report = join(directory, "report.html");
  await run(["jobs", refusal.job, "--report", report, ...url]);
  assert.match(await readFile(report, "utf8"), /wasserstein/);
  // At once, by the verdict on record.
  const repeated = await run<Problem & { job: string }>(["push", spoilt, ...to], 3);
  assert.equal(repeated.job, refusal.job);

  // What it claims beyond what can be tested is refused before anything runs.
  await sealBundle(spoilt, ({ domain }) =>
    Object.assign(domain.conditions.drift_velocity, { low: 3, high: 8 }),
  );
  const claims = await run<Problem>(["push", spoilt, ...to], 5);
  assert.deepEqual([claims.code, claims.field], ["invalid_bundle", "domain.conditions.drift_velocity"]);
  await sdk.close();
  await server.stop();
  assert.equal((await driftline(["doctor", "--verify", "--data-dir", there], env)).code, 0);
});
