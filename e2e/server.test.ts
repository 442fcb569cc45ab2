// The same job against a running server: the command with --url, the SDK, plain HTTP; and what a kill leaves.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, type Hit, type Job } from "@driftline/client";
import { loadGenerator } from "@driftline/client/generator";
import { driftline, driftlineJson, finish, serve, start, temporaryDirectory } from "./support.ts";

test("ensure, resolve, pull and generate over HTTP", async (t) => {
  const directory = await temporaryDirectory(t);
  const server = await serve(t, join(directory, "data"));
  const there = ["--url", server.url];

  const miss = await fetch(`${server.url}/v1/families/test.tpc/resolve`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ conditions: { drift_velocity: "5.5 cm/us" } }),
  });
  assert.equal(miss.status, 404);
  assert.match(miss.headers.get("content-type") ?? "", /application\/problem\+json/);
  assert.equal(((await miss.json()) as { code: string }).code, "no_model");

  // Several at once: one job, and the same answer to all.
  const runs = await Promise.all(
    Array.from({ length: 4 }, () => driftline(["ensure", "test.tpc", "--wait", "--json", ...there])),
  );
  for (const run of runs) assert.equal(run.code, 0, run.stderr);
  const bundles = new Set(runs.map(({ stdout }) => (JSON.parse(stdout) as Hit).model.bundle));
  assert.equal(bundles.size, 1);
  const [bundle] = bundles;
  const sdk = connect(server.url);
  assert.equal((await Array.fromAsync(sdk.jobs())).length, 1);

  const hit = await sdk.resolve("test.tpc", { conditions: { drift_velocity: 5.5 } });
  assert.ok(hit.found && hit.model.bundle === bundle);
  const ensured = await fetch(`${server.url}/v1/families/test.tpc/ensure`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
  });
  assert.equal(ensured.status, 200);

  const pulled = join(directory, "pulled");
  assert.equal((await driftline(["pull", bundle.slice(0, 10), "--out", pulled, ...there])).code, 0);
  const generator = await loadGenerator(pulled);
  const features = Float32Array.from({ length: 6 * 10 }, (_, i) => [1, 10, 150.5, 33.3, 20, 1][i % 6]);
  const responses = await generator.generate({ features, rows: 10, seed: 3 });
  assert.equal(responses.length, 10 * 128);
  assert.ok(responses.some((amplitude) => amplitude > 0));
  await generator.close();

  const events = await fetch(`${server.url}/v1/jobs/${(await Array.fromAsync(sdk.jobs()))[0].id}/events`);
  assert.match(await events.text(), /"state":"published"/, "the stream of an ended job ends");
  await sdk.close();
  const out = join(directory, "sample.safetensors");
  const sample = await driftline(["generate", "test.tpc", "--rows", "100", "--out", out, ...there], {
    DRIFTLINE_CACHE_DIR: join(directory, "cache"),
    DRIFTLINE_DATA_DIR: join(directory, "unused"),
  });
  assert.equal(sample.code, 0, sample.stderr);
  assert.match(sample.stdout, /by model/);
});

test("a server killed while training goes on after the restart, without doing the dataset again", async (t) => {
  const directory = await temporaryDirectory(t);
  const data = join(directory, "data");
  const first = await serve(t, data);
  const { id } = await driftlineJson<Job>([
    "ensure",
    "test.tpc",
    "--hyperparameter",
    "steps=600",
    "--url",
    first.url,
  ]);
  const sdk = connect(first.url);
  for (;;) {
    const job = await sdk.job(id);
    if (job.stages.find(({ name }) => name === "train")?.state === "running") break;
    await sleep(50);
  }
  await sdk.close();
  first.child.kill("SIGKILL");
  await new Promise((resolve) => first.child.once("close", resolve));
  const second = await serve(t, data);
  const job = await driftlineJson<Job>(["jobs", id, "--follow", "--url", second.url]);
  assert.equal(job.state, "published");
  assert.ok(job.attempt >= 2);
  assert.equal(job.stages.find(({ name }) => name === "dataset")?.state, "reused");
  await second.stop();
  assert.equal((await driftline(["doctor", "--verify", "--data-dir", data])).code, 0);
});

test("cancel ends a running job, and Ctrl-C of a command leaves a job that goes on later", async (t) => {
  const directory = await temporaryDirectory(t);
  const data = join(directory, "data");
  const server = await serve(t, data);
  const long = ["--hyperparameter", "steps=100000"];
  const { id } = await driftlineJson<Job>(["ensure", "test.tpc", ...long, "--url", server.url]);
  await sleep(1500);
  const cancelled = await driftlineJson<Job>(["jobs", id, "--cancel", "--url", server.url]);
  assert.equal(cancelled.state, "cancelled");
  await server.stop();

  const here = ["--data-dir", data];
  const waiting = start(["ensure", "test.tpc", ...long, "--wait", ...here]);
  let log = "";
  waiting.stderr?.on("data", (text: Buffer) => {
    log += text.toString();
  });
  while (!/train/.test(log)) await sleep(50);
  waiting.kill("SIGINT");
  const { code } = await finish(waiting);
  assert.equal(code, 1);
  const [job] = await driftlineJson<Job[]>(["jobs", ...here]);
  assert.equal(job.state, "queued", "given back, for whoever runs jobs next");
});
