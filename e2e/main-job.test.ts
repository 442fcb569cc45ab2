// The main job with commands of one's own, in process on a data directory: from a miss to a used model.

import assert from "node:assert/strict";
import { chmod, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { Hit, Job, Miss, Model } from "@driftline/client";
import { readSafetensors } from "@driftline/client/safetensors";
import { findCompiler } from "../packages/driftline/src/inference/compile/cCompiler.ts";
import { driftline, driftlineJson, temporaryDirectory } from "./support.ts";

const noCompiler = (await findCompiler()) === null ? "there is no C compiler" : false;

test("from an empty catalogue to responses of a published model", async (t) => {
  const directory = await temporaryDirectory(t);
  const here = ["--data-dir", join(directory, "data")];

  await t.test("a miss is explained, exit code 4", async () => {
    const miss = await driftlineJson<Miss>(["resolve", "test.tpc", ...here], 4);
    assert.equal(miss.found, false);
    assert.deepEqual(miss.nearest, []);
    assert.equal(miss.fallback, "driftline-tpc/1");
    assert.ok(miss.question.defaulted.includes("drift_velocity"));
  });

  await t.test("without a model, generate uses the base simulator and says so", async () => {
    const out = join(directory, "simulated.safetensors");
    const run = await driftline(["generate", "test.tpc", "--rows", "500", "--out", out, ...here]);
    assert.equal(run.code, 0, run.stderr);
    assert.match(run.stdout, /base simulator/);
    const { tensors, metadata } = await readSafetensors(out);
    assert.deepEqual(tensors.response.shape, [500, 8, 16]);
    assert.equal(metadata.source, "simulator");
    assert.equal((await driftline(["generate", "test.tpc", "--no-fallback", "--out", out, ...here])).code, 4);
  });

  await t.test("ensure makes it, with progress and figures", async () => {
    const run = await driftline(["ensure", "test.tpc", "--at", "drift_velocity=5.5cm/us", "--wait", ...here]);
    assert.equal(run.code, 0, `${run.stdout}\n${run.stderr}`);
    for (const stage of ["dataset", "train", "validate", "domain"]) {
      assert.match(run.stderr, new RegExp(`${stage} +done`), `${stage} in ${run.stderr}`);
    }
    assert.match(run.stderr, /nominal: .*magnetic_field/);
  });

  let hit: Hit;
  await t.test("the same question is then answered, in other units too", async () => {
    hit = await driftlineJson<Hit>(["resolve", "test.tpc", ...here]);
    assert.equal(hit.match, "exact");
    const other = await driftlineJson<Hit>([
      "resolve",
      "test.tpc",
      "--at",
      "drift_velocity=55 mm/us",
      ...here,
    ]);
    assert.equal(other.model.bundle, hit.model.bundle);
    const again = await driftlineJson<Hit>(["ensure", "test.tpc", "--wait", ...here]);
    assert.equal(again.model.bundle, hit.model.bundle, "ensure finds what is there");
    assert.equal((await driftlineJson<Job[]>(["jobs", ...here])).length, 1);
  });

  await t.test("a little off: exact explains the miss, compatible answers with the distance", async () => {
    const near = ["resolve", "test.tpc", "--at", "drift_velocity=5.53cm/us", ...here];
    const miss = await driftlineJson<Miss>(near, 4);
    const [difference] = miss.nearest[0].differences.filter(({ asked, has }) => asked !== has);
    assert.equal(difference.name, "drift_velocity");
    assert.equal(difference.distance, 0.6);
    const compatible = await driftlineJson<Hit>([...near, "--accept", "compatible"]);
    assert.equal(compatible.match, "compatible");
    assert.equal(compatible.distance, 0.6);
    assert.deepEqual(compatible.domain.conditions.drift_velocity, {
      low: 5.45,
      high: 5.55,
      unit: "cm/us",
      tested: true,
    });
    const far = await driftlineJson<Miss>(
      [
        "resolve",
        "test.tpc",
        "--at",
        "drift_velocity=5cm/us",
        "--at",
        "noise=2ADC",
        "--accept",
        "compatible",
        ...here,
      ],
      4,
    );
    const reasons = far.nearest[0].differences.filter(({ fits }) => !fits).map(({ name }) => name);
    assert.deepEqual(reasons.sort(), ["drift_velocity", "noise"]);
  });

  const bundle = join(directory, "bundle");
  await t.test("the bundle is pulled, verified, and a changed byte is found", async () => {
    assert.equal((await driftline(["pull", "test.tpc", "--out", bundle, ...here])).code, 0);
    assert.equal((await driftline(["verify", bundle])).code, 0);
    assert.equal((await driftline(["verify", hit.model.bundle.slice(0, 12), ...here])).code, 0);
    const path = join(bundle, "model.onnx");
    const bytes = await readFile(path);
    const changed = Uint8Array.from(bytes);
    changed[changed.length >> 1] ^= 1;
    await writeFile(path, changed);
    const run = await driftline(["verify", bundle]);
    assert.equal(run.code, 5, run.stderr);
    assert.match(run.stderr, /model\.onnx/);
    await writeFile(path, bytes);
  });

  await t.test("it is exported as C, which gives its reference outputs", { skip: noCompiler }, async () => {
    const out = join(directory, "exported");
    const words = ["export", hit.model.key, "--target", "c", "--out", out, "--name", "pad_row", ...here];
    const exported = await driftlineJson<{ bundle: string; files: string[] }>(words);
    assert.equal(exported.bundle, hit.model.bundle);
    assert.deepEqual(exported.files, [join(out, "pad_row.h"), join(out, "pad_row.c")]);
    const again = join(directory, "again");
    await driftlineJson(["export", bundle, ...words.slice(2, 4), "--out", again, "--name", "pad_row"]);
    for (const file of ["pad_row.h", "pad_row.c"]) {
      assert.ok((await readFile(join(out, file))).equals(await readFile(join(again, file))), file);
    }
  });

  await t.test(
    "a sample is reproducible, and does not depend on how many responses are asked for",
    async () => {
      const [first, second] = [join(directory, "a.safetensors"), join(directory, "b.safetensors")];
      const run = await driftline([
        "generate",
        "test.tpc",
        "--rows",
        "1000",
        "--seed",
        "7",
        "--out",
        first,
        ...here,
      ]);
      assert.match(run.stdout, /1000 responses by model/);
      await driftline(["generate", "test.tpc", "--rows", "300", "--seed", "7", "--out", second, ...here]);
      const a = await readSafetensors(first);
      const b = await readSafetensors(second);
      assert.equal(a.metadata.bundle, hit.model.bundle);
      const shorter = (a.tensors.response.data as Float32Array).subarray(0, 300 * 128);
      const other = b.tensors.response.data as Float32Array;
      for (let i = 0; i < other.length; i++) {
        assert.ok(Math.abs(shorter[i] - other[i]) <= 1e-5 + 1e-5 * Math.abs(other[i]), `cell ${i}`);
      }
    },
  );

  await t.test("models, jobs, families and doctor tell what is there", async () => {
    const models = await driftlineJson<Model[]>(["models", ...here]);
    assert.deepEqual(
      models.map(({ bundle: digest, serving }) => [digest, serving]),
      [[hit.model.bundle, true]],
    );
    const [job] = await driftlineJson<Job[]>(["jobs", ...here]);
    assert.equal(job.state, "published");
    const report = await readFile(String(job.report), "utf8");
    assert.match(report, /<svg/);
    assert.match((await driftline(["families", "test.tpc", ...here])).stdout, /drift_velocity/);
    const doctor = await driftline(["doctor", "--verify", ...here]);
    assert.equal(doctor.code, 0, doctor.stdout);
  });

  await t.test("validate judges the published model on fresh responses", async () => {
    const run = await driftline([
      "validate",
      hit.model.bundle.slice(0, 12),
      "--rows",
      "1500",
      "--out",
      join(directory, "again.html"),
      ...here,
    ]);
    assert.equal(run.code, 0, run.stderr);
    assert.match(await readFile(join(directory, "again.html"), "utf8"), /<svg/);
  });

  await t.test("a backup is restored elsewhere, with the model", async () => {
    const backup = join(directory, "backup");
    assert.equal((await driftline(["backup", backup, ...here])).code, 0);
    const there = ["--data-dir", join(directory, "restored")];
    assert.equal((await driftline(["restore", backup, ...there])).code, 0);
    const restored = await driftlineJson<Hit>(["resolve", "test.tpc", ...there]);
    assert.equal(restored.model.bundle, hit.model.bundle);
    assert.equal((await driftline(["doctor", "--verify", ...there])).code, 0);
    assert.equal((await driftline(["restore", backup, ...there])).code, 2);
  });

  await t.test(
    "a lost database is made again; a changed byte is found, set aside and never served",
    async () => {
      const data = join(directory, "data");
      for (const name of await readdir(data)) {
        if (name.startsWith("catalogue.sqlite")) await rm(join(data, name));
      }
      const again = await driftlineJson<Hit>(["resolve", "test.tpc", ...here]);
      assert.equal(again.model.bundle, hit.model.bundle);
      const removed = await driftlineJson<{ removed: number }>(["gc", ...here]);
      assert.equal(removed.removed, 0, "what was made a minute ago is kept");

      const { files } = JSON.parse(await readFile(join(bundle, "bundle.json"), "utf8")) as {
        files: { path: string; sha256: string }[];
      };
      const digest = files.find(({ path }) => path === "model.onnx")?.sha256 ?? "";
      const blob = join(data, "blobs", "sha256", digest.slice(0, 2), digest);
      const bytes = await readFile(blob);
      bytes[bytes.length >> 1] ^= 1;
      await chmod(blob, 0o644);
      await writeFile(blob, bytes);
      assert.equal(
        (await driftline(["pull", hit.model.bundle, "--out", join(directory, "damaged"), ...here])).code,
        5,
      );
      assert.equal((await driftline(["doctor", "--verify", ...here])).code, 5);
      const repair = await driftline(["doctor", "--repair", ...here]);
      assert.equal(repair.code, 0, repair.stdout);
      assert.match(repair.stdout, new RegExp(`Damaged blob ${digest} was set aside`));
      assert.equal((await driftline(["resolve", "test.tpc", ...here])).code, 4);
    },
  );
});

test("a model that fails a gate is refused, with the gate and by how much; --retry makes a new recipe", async (t) => {
  const directory = await temporaryDirectory(t);
  const here = ["--data-dir", join(directory, "data")];
  // One step of training cannot pass.
  const ask = ["ensure", "test.tpc", "--hyperparameter", "steps=1", "--wait", ...here];
  const first = await driftline(ask);
  assert.equal(first.code, 3, first.stderr);
  assert.match(first.stderr, /wasserstein is [\d.]+, allowed is at most 0.5/);
  const started = Date.now();
  const again = await driftlineJson<{ code: string; verdict: { passed: boolean } }>(ask, 3);
  assert.equal(again.verdict.passed, false);
  assert.ok(Date.now() - started < 10_000, "told at once, not trained again");
  assert.equal((await driftlineJson<Job[]>(["jobs", ...here])).length, 1);
  assert.equal((await driftline([...ask, "--retry"])).code, 3);
  const jobs = await driftlineJson<Job[]>(["jobs", ...here]);
  assert.equal(new Set(jobs.map(({ recipeHash }) => recipeHash)).size, 2);
  assert.equal(jobs[0].stages.find(({ name }) => name === "dataset")?.state, "reused");
  assert.equal((await driftline(["resolve", "test.tpc", ...here])).code, 4, "nothing was published");
});
