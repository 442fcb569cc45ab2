// A model in a process of its own gives what it gives here, and is gone when it should be.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { openModel } from "@driftline/client/model";
import { uniforms } from "@driftline/client/noise";
import { processesOf } from "../../training/processes.ts";
import { assertNoneLeft, failureOf, scratchDirectory } from "../../training/testing.ts";
import { openModelProcess } from "./modelProcess.ts";

const tiny = readFileSync(new URL("../../../../client/src/testing/tiny.onnx", import.meta.url));
const loop = fileURLToPath(new URL("./testdata/loop.onnx", import.meta.url));
const limits = { seconds: 60, memoryMiB: 2000, code: "trainer_failed" } as const;

test("it answers as the runtime does here, also when several ask at once", async (t) => {
  const rows = 5000;
  const [features, latent] = [6, 4].map((width, seed) =>
    Float32Array.from({ length: rows * width }, (_, i) => uniforms(seed, Math.floor(i / 8), 0, 8)[i % 8]),
  );
  const here = await openModel(tiny);
  const there = await openModelProcess(tiny, limits);
  t.after(() => Promise.all([here.close(), there.close()]));
  assert.deepEqual(
    [there.inputs, there.outputs, there.featureWidth, there.latentWidth, there.outputShape],
    [here.inputs, here.outputs, here.featureWidth, here.latentWidth, here.outputShape],
  );
  const expected = await here.run(features, latent, rows);
  const some = 300;
  const [all, first] = await Promise.all([
    there.run(features, latent, rows),
    there.run(features.subarray(0, some * 6), latent.subarray(0, some * 4), some),
  ]);
  assert.deepEqual(all, expected);
  assert.deepEqual(first, expected.subarray(0, first.length));
});

test("an abort ends it at once, whatever it is doing", async (t) => {
  const attempt = await scratchDirectory(t);
  const abort = new AbortController();
  const model = await openModelProcess(readFileSync(loop), { ...limits, attempt, signal: abort.signal });
  const running = failureOf(model.run(new Float32Array(6), new Float32Array(4), 1));
  const asked = performance.now();
  setTimeout(() => abort.abort(), 200);
  assert.equal((await running).code, "cancelled");
  assert.ok(performance.now() - asked < 1500);
  await model.close();
  assert.deepEqual(processesOf(`${attempt}/`), []);
});

test("it ends when its parent is killed, in the middle of a loop without end", async (t) => {
  const attempt = await scratchDirectory(t);
  const script = `
    import { readFileSync } from "node:fs";
    import { openModelProcess } from ${JSON.stringify(new URL("./modelProcess.ts", import.meta.url).href)};
    const limits = ${JSON.stringify({ ...limits, attempt })};
    const model = await openModelProcess(readFileSync(${JSON.stringify(loop)}), limits);
    setTimeout(() => console.log("running"), 300);
    await model.run(new Float32Array(6), new Float32Array(4), 1);`;
  const parent = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(parent.stdout, "data");
  if (process.platform === "linux") assert.equal(processesOf(`${attempt}/`).length, 1);
  parent.kill("SIGKILL");
  await assertNoneLeft(`${attempt}/`);
});
