// Tags: rows that are added, overlaps that are refused, what is frozen, and many who import at once.

import assert from "node:assert/strict";
import { test } from "node:test";
import { scratchCatalogue } from "../testing.ts";
import { rowsOf } from "./testing.ts";

test("rows are added to a tag, stated again they change nothing, and a run has its range", async (t) => {
  const { campaigns } = await scratchCatalogue(t);
  const [first] = await campaigns.importRuns("runs.csv", rowsOf("mc,10,19,5.6\nmc,1,5,5.5\n"));
  assert.deepEqual(first, {
    tag: "mc",
    changed: true,
    ranges: 2,
    added: 2,
    gaps: [{ firstRun: 6, lastRun: 9, after: 3, before: 2 }],
  });
  const [again] = await campaigns.importRuns("runs.csv", rowsOf("mc,1,5,5.5\n"));
  assert.deepEqual([again.changed, again.added], [false, 0]);
  const [second] = await campaigns.importRuns("more.csv", rowsOf("mc,6,9,5.7\nother,1,1,5\n"));
  assert.deepEqual([second.ranges, second.gaps], [3, []]);
  assert.deepEqual((await campaigns.run("mc", 9)).conditions, { drift_velocity: "5.7" });
  await assert.rejects(campaigns.run("mc", 20), { code: "unknown_run", message: /no range with run 20/ });
  await assert.rejects(campaigns.run("mx", 20), { code: "unknown_tag", remedy: /Did you mean mc/ });
  assert.deepEqual(
    (await campaigns.tags()).map(({ changedAt: _, ...each }) => each),
    [
      { tag: "mc", frozen: false, ranges: 3, firstRun: 1, lastRun: 19, locks: 0 },
      { tag: "other", frozen: false, ranges: 1, firstRun: 1, lastRun: 1, locks: 0 },
    ],
  );
});

test("an overlap is refused with both lines, and of the file nothing is taken", async (t) => {
  const { campaigns } = await scratchCatalogue(t);
  await campaigns.importRuns("runs.csv", rowsOf("mc,1,9,5.5\n"));
  await assert.rejects(
    campaigns.importRuns("runs.csv", rowsOf("new,1,1,5\nmc,20,29,5.5\nmc,25,30,5.6\nmc,9,12,5.5\n")),
    {
      code: "invalid_data",
      message:
        /runs\.csv:4: tag mc: runs 25-30 overlap 20-29 of line 3\nruns\.csv:5: .* 9-12 overlap 1-9 of runs that were imported before|runs\.csv:5: .* 9-12 overlap 1-9 of runs that were imported before\n/,
    },
  );
  assert.equal((await campaigns.tag("mc")).table.ranges.length, 1);
  await assert.rejects(campaigns.tag("new"), { code: "unknown_tag" });
  const [replaced] = await campaigns.importRuns("runs.csv", rowsOf("mc,5,12,5.6\n"), { replace: true });
  assert.equal(replaced.ranges, 1);
});

test("a frozen tag is never changed, by nobody who imports at the same time either", async (t) => {
  const { campaigns } = await scratchCatalogue(t);
  await campaigns.importRuns("runs.csv", rowsOf("mc,1,9,5.5\n"));
  await campaigns.freeze("mc");
  await campaigns.freeze("mc");
  await assert.rejects(campaigns.importRuns("runs.csv", rowsOf("mc,10,19,5.5\n")), { code: "frozen_tag" });
  await assert.rejects(campaigns.importRuns("runs.csv", rowsOf("mc,1,9,5.6\n"), { replace: true }), {
    code: "frozen_tag",
  });
  // What it says already it may be told.
  assert.equal((await campaigns.importRuns("runs.csv", rowsOf("mc,1,9,5.5\n")))[0].changed, false);
  await assert.rejects(campaigns.freeze("mx"), { code: "unknown_tag" });
});

test("of many who import into one tag at once, none is lost", async (t) => {
  const { campaigns } = await scratchCatalogue(t);
  const all = Array.from({ length: 5 }, (_, n) =>
    campaigns.importRuns("a.csv", rowsOf(`mc,${n * 10},${n * 10 + 9},5.5\n`)),
  );
  await Promise.all(all);
  assert.equal((await campaigns.tag("mc")).table.ranges.length, 5);
});
