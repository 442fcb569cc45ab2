// kill -9 of server, worker or trainer at random moments of an ensure; `npm run faults:kill -- --times 200` does more of them.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "../support.ts";
import { type Kill, killDuringEnsures } from "./kill.ts";

test("kills at random moments: each job ends published, nothing is done twice, nothing is left running", async (t) => {
  const directory = await temporaryDirectory(t);
  const report = await killDuringEnsures(join(directory, "data"), {
    family: "test.fast",
    times: 10,
    atOnce: 2,
    seed: Date.now() % 1_000_000,
    // About half of a round, so that most rounds have both their kills, at any stage.
    withinSeconds: 12,
    onKill: (kill) => t.diagnostic(describeKill(kill)),
  });
  assert.equal(report.kills.length, 10);
  t.diagnostic(`${report.jobs} jobs`);
});

function describeKill({ victim, seconds, running }: Kill): string {
  return `${victim} killed after ${seconds.toFixed(2)} s, in ${running.join(" and ") || "no stage"}`;
}
