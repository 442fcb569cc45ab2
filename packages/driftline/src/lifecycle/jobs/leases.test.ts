// Take-over of jobs, tries after failures, and clocks that jump, on a real database.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { scratchDirectory } from "../../training/testing.ts";
import { makeTestJob } from "../testing.ts";
import { maximumRetries } from "./failures.ts";
import { thisProcess } from "./holder.ts";
import { leaseMs } from "./leases.ts";

async function openJob(t: TestContext) {
  const job = await makeTestJob(await scratchDirectory(t));
  t.after(() => job.close());
  const now = Date.now();
  t.mock.timers.enable({ apis: ["Date"], now });
  const { store, id } = job;
  return {
    ...store,
    id,
    later: (ms: number) => t.mock.timers.setTime(Date.now() + ms),
    take: async () => {
      const claimed = await store.claim(id, thisProcess());
      assert.ok(claimed, "it is to be had");
      return claimed;
    },
  };
}

test("a failure that may pass is tried again later, three times, and says when and why", async (t) => {
  const store = await openJob(t);
  const { id } = store;
  for (let retry = 1; retry <= maximumRetries; retry++) {
    const { fence } = await store.take();
    await store.postpone(id, fence, "the disk was full");
    const job = await store.get(id);
    assert.equal(job.state, "queued");
    assert.deepEqual([job.retry?.number, job.retry?.of], [retry, maximumRetries]);
    assert.equal(job.retry?.reason, "the disk was full");
    const wait = Date.parse(job.retry.at) - Date.now();
    const due = 500 * 4 ** retry;
    assert.ok(wait >= 0.75 * due && wait <= 1.25 * due, `${wait} ms before try ${retry}`);
    assert.deepEqual(await store.claimable(), []);
    assert.equal(await store.claim(id, thisProcess()), null, "not before");
    store.later(wait);
    assert.deepEqual(await store.claimable(), [id]);
  }
  const { fence } = await store.take();
  await store.postpone(id, fence, "the disk was full");
  const job = await store.get(id);
  assert.equal(job.state, "failed");
  assert.match(job.error?.detail ?? "", /the disk was full, 4 times in a row/);
  const messages = (await store.events(id, 0)).map(({ message }) => message);
  assert.match(messages[0] ?? "", /the disk was full; trying again in [23] s \(1 of 3\)/);
});

test("a stage that is done sets the count back", async (t) => {
  const store = await openJob(t);
  const first = await store.take();
  await store.postpone(store.id, first.fence, "killed");
  store.later(60_000);
  const second = await store.take();
  assert.equal(second.failures, 1);
  const stage = { name: "dataset", state: "done" } as const;
  await store.record(store.id, second.fence, { stage }, { type: "stage" });
  await store.postpone(store.id, second.fence, "killed");
  assert.equal((await store.get(store.id)).retry?.number, 1);
});

test("each worker that dies or stalls counts; a job given back does not", async (t) => {
  const store = await openJob(t);
  for (let dead = 0; dead <= maximumRetries; dead++) {
    assert.equal((await store.take()).failures, dead);
    store.later(leaseMs + 1);
  }
  const last = await store.take();
  assert.ok(last.failures > maximumRetries);
  await store.giveBack(store.id, last.fence);
  assert.equal((await store.take()).failures, last.failures);
});

test("what is seen of a worker's end is written down, unless another has the job", async (t) => {
  const store = await openJob(t);
  const { id } = store;
  const { host, pid } = thisProcess();
  await store.take();
  await store.workerEnded(id, { host, pid: pid + 1 }, "died", true);
  assert.equal((await store.get(id)).state, "running", "the worker that died was not the holder");
  await store.workerEnded(id, { host, pid }, "was ended by SIGKILL", true);
  assert.equal((await store.get(id)).retry?.reason, "was ended by SIGKILL");
  store.later(60_000);
  const { fence } = await store.take();
  await store.workerEnded(id, { host, pid }, "was told to end", false);
  assert.deepEqual(await store.claimable(), [id], "one that was ended on purpose goes on at once");
  assert.equal((await store.renew(id, fence)).held, false, "and its token is void");
  await store.take();
  await store.cancel(id);
  await store.workerEnded(id, { host, pid }, "was ended by SIGKILL", true);
  assert.equal((await store.get(id)).state, "cancelled");
});

test("a job that waits to be tried again can be cancelled at once", async (t) => {
  const store = await openJob(t);
  const { fence } = await store.take();
  await store.postpone(store.id, fence, "killed");
  assert.equal((await store.cancel(store.id)).state, "cancelled");
});

test("a clock that was set back keeps no job waiting", async (t) => {
  const store = await openJob(t);
  const hour = 3_600_000;
  const { fence } = await store.take();
  store.later(-hour);
  await store.renew(store.id, fence);
  assert.deepEqual(await store.claimable(), [], "a living holder renews");
  store.later(-hour);
  assert.deepEqual(await store.claimable(), [store.id], "a lease that reaches an hour ahead is none");
  const second = await store.take();
  await store.postpone(store.id, second.fence, "killed");
  store.later(-hour);
  assert.deepEqual(await store.claimable(), [store.id]);
});
