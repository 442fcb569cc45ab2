// A campaign by the command: newer models published between its jobs change nothing, a lost bundle stops it, a bad one is recalled.

import assert from "node:assert/strict";
import { chmod, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { connect, type Problem } from "@driftline/client";
import { readSafetensors } from "@driftline/client/safetensors";
import { writeTinyBundle } from "@driftline/client/testing/tinyBundle";
import { openCatalogue } from "../packages/driftline/src/catalogue/catalogue.ts";
import { jobMigrations } from "../packages/driftline/src/lifecycle/jobs/tables.ts";
import { makeCatalogue, type TestCatalogue } from "./generated/catalogue.ts";
import { driftline, driftlineJson, serve, temporaryDirectory } from "./support.ts";

interface Campaign {
  directory: string;
  catalogue: TestCatalogue;
  lock: string;
  bundle: string;
  run<T = Record<string, unknown>>(args: string[], code?: number): Promise<T>;
  generate(args: string[], name: string): Promise<Buffer>;
}

/** The tiny model, a tag of two ranges, frozen and locked. */
async function campaign(t: TestContext): Promise<Campaign> {
  const directory = await temporaryDirectory(t);
  const catalogue = await makeCatalogue(directory, process.execPath);
  const run = <T>(args: string[], code = 0) => driftlineJson<T>(args, code, catalogue.environment);
  const table = join(directory, "runs.csv");
  await writeFile(table, "tag,first_run,last_run,drift_velocity [mm/us]\nmc,1,99,55\nmc,100,199,55.0\n");
  await run(["runs", "import", table]);
  await run(["runs", "freeze", "mc"]);
  const lock = join(directory, "campaign.lock");
  await run(["lock", "--tag", "mc", "--family", "test.tiny", "--out", lock]);
  const { ranges } = JSON.parse(await readFile(lock, "utf8")) as { ranges: { bundle: string }[] };
  assert.equal(ranges.length, 2);
  const generate = async (args: string[], name: string) => {
    const out = join(directory, name);
    await run([
      "generate",
      "test.tiny",
      "--lock",
      lock,
      "--rows",
      "300",
      "--seed",
      "5",
      "--out",
      out,
      ...args,
    ]);
    return readFile(out);
  };
  return { directory, catalogue, lock, bundle: ranges[0].bundle, run, generate };
}

/** Another model of the same conditions, which serves from now on. */
async function publishNewer({ directory, catalogue }: Campaign, seed: number): Promise<string> {
  const place = join(directory, `newer-${seed}`);
  const { digest } = await writeTinyBundle(place, {
    change: (manifest) => Object.assign(manifest.recipe, { seed }),
  });
  const opened = await openCatalogue(catalogue.dataDirectory, jobMigrations);
  try {
    assert.equal((await opened.publish({ directory: place, reason: "a test" })).model.serving, true);
  } finally {
    await opened.close();
  }
  return digest;
}

test("two runs of a campaign give identical samples, with newer models published and the old one retired in between", async (t) => {
  const made = await campaign(t);
  const { run, generate, bundle, catalogue } = made;
  const first = await generate(["--run", "42"], "first.safetensors");
  const newer = await publishNewer(made, 2);
  const now = await run<{ model: { bundle: string } }>(["resolve", "test.tiny"]);
  assert.equal(now.model.bundle, newer);
  assert.deepEqual(await generate(["--run", "42"], "second.safetensors"), first);
  // On another machine, without the cache, from a server and from a snapshot.
  const snapshot = join(made.directory, "snapshot");
  await run(["snapshot", "--out", snapshot, "--tag", "mc"]);
  await run(["models", "retire", bundle, "--reason", "a test"]);
  await rm(catalogue.environment.DRIFTLINE_CACHE_DIR, { recursive: true });
  assert.deepEqual(await generate(["--run", "42", "--snapshot", snapshot], "third.safetensors"), first);
  // A worker node has no data directory and no cache, and none is made for it.
  const nowhere = join(made.directory, "nowhere");
  const worker = { ...catalogue.environment, DRIFTLINE_DATA_DIR: nowhere, DRIFTLINE_CACHE_DIR: nowhere };
  const out = join(made.directory, "worker.safetensors");
  const asked = [
    "test.tiny",
    "--lock",
    made.lock,
    "--run",
    "42",
    "--rows",
    "300",
    "--seed",
    "5",
    "--out",
    out,
  ];
  await driftlineJson(["generate", ...asked, "--snapshot", snapshot], 0, worker);
  assert.deepEqual(await readFile(out), first);
  await assert.rejects(stat(nowhere), { code: "ENOENT" });
  const { url } = await serve(t, catalogue.dataDirectory, catalogue.environment);
  assert.deepEqual(await generate(["--run", "42", "--url", url], "fourth.safetensors"), first);
  const { metadata } = await readSafetensors(join(made.directory, "first.safetensors"));
  const lock = JSON.parse(await readFile(made.lock, "utf8")) as { digest: string };
  assert.deepEqual(
    {
      bundle: metadata?.bundle,
      lock: metadata?.lock,
      run: metadata?.run,
      events: metadata?.events,
      seed: metadata?.seed,
    },
    { bundle, lock: lock.digest, run: "42", events: "300", seed: "5" },
  );
  // Conditions beside the lock would be passed over.
  const { code } = await run<Problem>(
    ["generate", "test.tiny", "--lock", made.lock, "--run", "1", "--at", "gas=P10", "--out", "x"],
    2,
  );
  assert.equal(code, "usage");
});

test("a server under a lock answers with its bundles alone, also when newer ones come", async (t) => {
  const made = await campaign(t);
  const newer = await publishNewer(made, 3);
  const { url } = await serve(t, made.catalogue.dataDirectory, made.catalogue.environment, [
    "--lock",
    made.lock,
  ]);
  const server = connect(url);
  t.after(() => server.close());
  const answer = await server.resolve("test.tiny", {});
  assert.ok(answer.found);
  assert.equal(answer.model.bundle, made.bundle);
  assert.equal((await server.resolve("mpd.tpc", {})).found, false);
  await assert.rejects(server.model(newer), { code: "unknown_model" });
  await assert.rejects(server.ensure("test.tiny", { conditions: { gas: "P10" } }), { code: "no_model" });
  await assert.rejects(server.ensure("test.tiny", { seed: 2 }), { code: "read_only" });
});

test("a lock is refused where a model is missing, naming the runs and what to do", async (t) => {
  const { directory, run } = await campaign(t);
  const table = join(directory, "more.csv");
  await writeFile(table, "tag,first_run,last_run,drift_velocity\nmc2,1,9,5.5\nmc2,10,19,7\nmc2,30,39,7\n");
  const { imported } = await run<{ imported: { gaps: object[] }[] }>(["runs", "import", table]);
  assert.deepEqual(imported[0].gaps, [{ firstRun: 20, lastRun: 29, after: 3, before: 4 }]);
  const out = join(directory, "refused.lock");
  const problem = await run<Problem>(["lock", "--tag", "mc2", "--family", "test.tiny", "--out", out], 4);
  assert.equal(problem.code, "no_model");
  assert.match(problem.detail, /test\.tiny, runs 10-19, 30-39/);
  assert.match(problem.remedy ?? "", /--make/);
  await assert.rejects(readFile(out), { code: "ENOENT" });
  assert.equal(
    (await run<Problem>(["resolve", "test.tiny", "--tag", "mc2", "--run", "25"], 2)).code,
    "unknown_run",
  );
  await run(["resolve", "test.tiny", "--tag", "mc2", "--run", "15"], 4);
  const found = await run<{ found: boolean }>(["resolve", "test.tiny", "--tag", "mc2", "--run", "5"]);
  assert.equal(found.found, true);
});

test("as of a time, the model answers that served then", async (t) => {
  const made = await campaign(t);
  const { createdAt } = await made.run<{ createdAt: string }>(["models", made.bundle]);
  const newer = await publishNewer(made, 4);
  const { createdAt: later } = await made.run<{ createdAt: string }>(["models", newer]);
  const at = (time: string, code = 0) =>
    made.run<{ model?: { bundle: string } }>(
      ["resolve", "test.tiny", "--tag", "mc", "--run", "1", "--as-of", time],
      code,
    );
  assert.equal((await at(createdAt)).model?.bundle, made.bundle);
  assert.equal((await at(later)).model?.bundle, newer);
  assert.equal((await at("2020-01-01", 4)).model, undefined);
});

test("a missing or damaged bundle stops the job with exit code 5, a run that is not locked with 4", async (t) => {
  const { directory, catalogue, lock, bundle, run } = await campaign(t);
  const snapshot = join(directory, "snapshot");
  await run(["snapshot", "--out", snapshot, "--tag", "mc"]);
  const generate = (at: string, place: string[], code: number) =>
    run<Problem>(
      ["generate", "test.tiny", "--lock", lock, "--run", at, "--out", join(directory, "x"), ...place],
      code,
    );
  assert.equal((await generate("500", [], 4)).code, "no_model");
  const manifest = JSON.parse(
    await readFile(join(catalogue.dataDirectory, "blobs", "sha256", bundle.slice(0, 2), bundle), "utf8"),
  ) as { files: { path: string; sha256: string }[] };
  const { sha256 } = manifest.files.find(({ path }) => path === "model.onnx")!;
  const places: [string, string[]][] = [
    [join(catalogue.dataDirectory, "blobs", "sha256"), []],
    [join(snapshot, "blobs"), ["--snapshot", snapshot]],
  ];
  for (const [blobs, place] of places) {
    await rm(catalogue.environment.DRIFTLINE_CACHE_DIR, { recursive: true, force: true });
    for (const digest of [sha256, bundle]) {
      const path = join(blobs, digest.slice(0, 2), digest);
      const bytes = await readFile(path);
      await chmod(path, 0o644);
      const flipped = Buffer.from(bytes);
      flipped[flipped.length >> 1] ^= 1;
      await writeFile(path, flipped);
      assert.equal((await generate("1", place, 5)).code, "damaged");
      await rm(path);
      assert.equal((await generate("1", place, 5)).code, "damaged");
      await writeFile(path, bytes);
    }
    await run([
      "generate",
      "test.tiny",
      "--lock",
      lock,
      "--run",
      "1",
      "--out",
      join(directory, "x"),
      ...place,
    ]);
  }
  const text = await readFile(lock, "utf8");
  await writeFile(lock, text.replace('"lastRun": 99', '"lastRun": 98'));
  assert.equal((await generate("1", [], 5)).code, "damaged");
});

test("given a bad bundle, the locks and samples that used it are found", async (t) => {
  const made = await campaign(t);
  await made.generate(["--run", "1"], "one.safetensors");
  const file = join(made.directory, "one.safetensors");
  await made.run(["samples", "register", file]);
  await made.run(["models", "retire", made.bundle.slice(0, 12), "--reason", "a test"]);
  const recalled = await made.run<{ retired: string; locks: { tag: string }[]; samples: { file: string }[] }>(
    [...["models", "recall", made.bundle]],
  );
  assert.equal(recalled.retired, "a test");
  assert.deepEqual(
    [recalled.locks.map(({ tag }) => tag), recalled.samples.map((each) => each.file)],
    [["mc"], [file]],
  );
  // It is not resolved, and can still be pulled.
  await made.run(["resolve", "test.tiny"], 4);
  const out = join(made.directory, "pulled");
  await made.run(["pull", made.bundle, "--out", out]);
  const { code, stdout } = await driftline(["verify", out], made.catalogue.environment);
  assert.equal(code, 0, stdout);
});

test("with --make the missing model is made, and the lock has it", { timeout: 300_000 }, async (t) => {
  const directory = await temporaryDirectory(t);
  const here = ["--data-dir", join(directory, "data")];
  const table = join(directory, "runs.json");
  const ranges = [{ firstRun: 1, lastRun: 9, conditions: { drift_velocity: "55 mm/us" } }];
  await writeFile(table, JSON.stringify({ tag: "mc", ranges }));
  await driftlineJson(["runs", "import", table, ...here]);
  const lock = [
    "lock",
    "--tag",
    "mc",
    "--family",
    "test.fast",
    "--out",
    join(directory, "campaign.lock"),
    ...here,
  ];
  await driftlineJson(lock, 4);
  const made = await driftlineJson<{ ranges: number; bundles: number }>([...lock, "--make"]);
  assert.deepEqual([made.ranges, made.bundles], [1, 1]);
  const out = join(directory, "sample.safetensors");
  const asked = ["--lock", join(directory, "campaign.lock"), "--run", "9", "--rows", "10", "--out", out];
  await driftlineJson(["generate", "test.fast", ...asked, ...here]);
});
