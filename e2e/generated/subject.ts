// The server that generated requests are put to: a real `driftline serve` whose one worker is busy, so that what is asked for is planned and never made.

import assert from "node:assert/strict";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { connect } from "@driftline/client";
import { serve, temporaryDirectory } from "../support.ts";
import { makeCatalogue } from "./catalogue.ts";
import { readOpenApi } from "./document.ts";
import type { Subject } from "./request.ts";

export interface ServedSubject extends Subject {
  port: number;
  /** Throws where the server has ended, is not ready, or has logged a fault; then cancels what was asked for since. */
  checkHealth(): Promise<void>;
}

export async function startSubject(t: TestContext): Promise<ServedSubject> {
  const directory = await temporaryDirectory(t);
  // A trainer that finds every job good, and goes on until its standard input closes, without work.
  const trainer = join(directory, "trainer.sh");
  await writeFile(trainer, '#!/bin/sh\ncase "$*" in *--check*) exit 0 ;; esac\nexec cat >/dev/null\n');
  await chmod(trainer, 0o755);
  const catalogue = await makeCatalogue(directory, trainer);
  const server = await serve(t, catalogue.dataDirectory, catalogue.environment);
  let log = "";
  server.child.stderr?.on("data", (text: Buffer) => {
    log += text.toString();
  });
  const driftline = connect(server.url);
  t.after(() => driftline.close());
  const ensure = async (seed: number) => {
    const { job } = await driftline.ensure("test.tpc", { rows: 100, seed });
    assert.ok(job);
    return job.id;
  };
  // The only worker holds this job, which nobody else is told of.
  const holder = await ensure(4711);
  for await (const { stage, state } of driftline.events(holder)) {
    if (stage === "train" && state === "running") break;
  }
  const jobs = [await ensure(1), await ensure(2), await ensure(3)];
  await driftline.cancel(jobs[0]);
  const document = readOpenApi((await (await fetch(`${server.url}/v1/openapi.json`)).json()) as never);
  return {
    document,
    catalogue,
    jobs,
    port: Number(new URL(server.url).port),
    async checkHealth() {
      assert.equal(server.child.exitCode ?? server.child.signalCode, null, `the server ended: ${log}`);
      assert.equal((await fetch(`${server.url}/readyz`)).status, 200);
      assert.equal((await driftline.job(holder)).state, "running", "its worker is still busy");
      assert.equal(log, "", "the server logged a fault");
      for await (const { id, state } of driftline.jobs()) {
        if (state === "queued" && !jobs.includes(id)) await driftline.cancel(id);
      }
    },
  };
}
