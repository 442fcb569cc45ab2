// Cancel and stop at every stage of a real job: how long it takes, what state it leaves, and that no process stays.

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { EnsureRequest, Job, JobEvent } from "@driftline/client";
import { connect } from "@driftline/client/connect";
import { descendants, usersOf } from "./faults/processes.ts";
import { type Served, serve, temporaryDirectory } from "./support.ts";

type Client = ReturnType<typeof connect>;

/** Processes that belong to a job's attempts, whoever is their parent now, with their command lines. */
const left = (id: string) => usersOf(`${id}/attempt-`).map(({ command }) => command);
const below = ({ child }: Served) => descendants(child.pid!).map(({ command }) => command);

async function begin(client: Client, request: EnsureRequest): Promise<Job> {
  const { job } = await client.ensure("test.tpc", request);
  assert.ok(job, "it is not published yet");
  return job;
}

/** Waits for an event; a job that ends before is a failure of the test. */
async function until(
  client: Client,
  id: string,
  what: string,
  found: (event: JobEvent) => boolean,
): Promise<void> {
  for await (const event of client.events(id)) if (found(event)) return;
  const { state, error } = await client.job(id);
  assert.fail(`job ${id} is ${state} before it came to ${what}: ${error?.detail ?? ""}`);
}

const begins = (stage: string) => (event: JobEvent) => event.stage === stage && event.state === "running";

async function open(t: TestContext, environment: Record<string, string> = {}) {
  const directory = await temporaryDirectory(t);
  const data = join(directory, "data");
  const served = await serve(t, data, environment);
  return { data, served, client: connect(served.url) };
}

async function cancelled(served: Served, client: Client, data: string, id: string): Promise<void> {
  const asked = performance.now();
  await client.cancel(id);
  let job = await client.job(id);
  while (job.state === "running" || job.state === "queued") {
    await sleep(20);
    job = await client.job(id);
  }
  const took = performance.now() - asked;
  assert.equal(job.state, "cancelled", job.error?.detail);
  assert.ok(took < 2000, `it took ${Math.round(took)} ms`);
  // The worker records the end before it ends itself.
  while (below(served).length > 0 && performance.now() - asked < 2000) await sleep(20);
  assert.deepEqual(below(served), []);
  assert.deepEqual(left(id), []);
  assert.deepEqual(
    (await readdir(join(data, "jobs", id))).filter((name) => name.startsWith("attempt")),
    [],
  );
}

test("a job is cancelled within two seconds at every stage, and leaves no process", async (t) => {
  const { data, served, client } = await open(t);
  const moments: [string, EnsureRequest, (event: JobEvent) => boolean, number][] = [
    ["simulating with threads", { rows: 500_000 }, begins("dataset"), 500],
    ["starting to train", {}, begins("train"), 0],
    ["importing JAX", {}, begins("train"), 1_000],
    [
      "training",
      { hyperparameters: { steps: 100_000, evaluations: 1_000, seconds: 1000 } },
      ({ message }) => /loss/.test(message ?? ""),
      0,
    ],
    ["beginning to validate", {}, begins("validate"), 0],
    ["the two-sample tests", {}, ({ message }) => /classifier/.test(message ?? ""), 100],
    ["beginning the domain test", {}, begins("domain"), 0],
    ["the domain test", {}, begins("domain"), 1_000],
  ];
  for (const [what, request, found, wait] of moments) {
    await t.test(what, async () => {
      const job = await begin(client, request);
      await until(client, job.id, what, found);
      await sleep(wait);
      await cancelled(served, client, data, job.id);
    });
  }
  await t.test("publishing: the whole bundle or none", async () => {
    const job = await begin(client, {});
    await until(client, job.id, "publish", begins("publish"));
    await client.cancel(job.id);
    for await (const _ of client.events(job.id));
    const { state } = await client.job(job.id);
    const { length } = await Array.fromAsync(client.models());
    assert.deepEqual([state, length], length === 1 ? ["published", 1] : ["cancelled", 0]);
  });
});

test("so is one that is compiling", async (t) => {
  const { data, served, client } = await open(t, { JAX_ENABLE_COMPILATION_CACHE: "false" });
  const job = await begin(client, {});
  await until(client, job.id, "compiling", ({ message }) => /training rows/.test(message ?? ""));
  await sleep(500);
  await cancelled(served, client, data, job.id);
});

test("SIGTERM ends everything within ten seconds, and the training goes on after the restart", async (t) => {
  const { data, served, client } = await open(t);
  // Ended by its time and not by its steps, so that a fast machine has not done when it is told to stop.
  const job = await begin(client, { hyperparameters: { steps: 50_000, evaluations: 50, seconds: 20 } });
  await until(client, job.id, "training", ({ message }) => /loss/.test(message ?? ""));
  const asked = performance.now();
  await served.stop();
  const took = performance.now() - asked;
  assert.ok(took < 10_000, `it took ${Math.round(took)} ms`);
  assert.deepEqual(left(job.id), []);
  const again = connect((await serve(t, data)).url);
  for await (const _ of again.events(job.id));
  const ended = await again.job(job.id);
  assert.equal(ended.state, "published", ended.error?.detail);
  assert.equal(ended.stages[0].state, "reused");
  assert.match(
    await readFile(join(data, "jobs", job.id, "worker.log"), "utf8"),
    /Going on from the checkpoint/,
  );
});
