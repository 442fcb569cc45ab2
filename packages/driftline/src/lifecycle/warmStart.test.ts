// Which model a training starts from, that the choice stays, and what the trainer is given: real jobs, a scripted trainer.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { EnsureRequest, Job } from "@driftline/client/api";
import { makeBundle } from "../catalogue/testing.ts";
import { loadConfiguration } from "../config/configuration.ts";
import type { Question } from "../family/family.ts";
import { canonicalQuestion } from "../family/question.ts";
import { trainerEnvironment } from "../training/environment.ts";
import { scratchDirectory, scriptedTrainer } from "../training/testing.ts";
import { thisProcess } from "./jobs/holder.ts";
import { openPlatform, type Platform } from "./platform.ts";
import { testFamilies } from "./testing.ts";
import { jobsDirectory } from "./workers/attempts.ts";
import { runJob } from "./workers/runJob.ts";

const own = "a".repeat(64);
const other = "b".repeat(64);
const family = "test.fast";

/** Says its architecture; in a job it dies at its first try and reports the parent's weights at the second. */
const script = `
import signal
job = json.load(open("job.json"))
if "--check" in sys.argv:
    open(os.path.join(os.path.dirname(__file__), "asked"), "a").write("x")
    say("check", architecture="${own}")
    sys.exit(0)
if not os.path.exists("tried"):
    open("tried", "w").close()
    os.kill(os.getpid(), signal.SIGKILL)
weights = open(job["parent"]["weights"]).read()
say("error", message=f"parent {job['parent']['sha256']}: {weights}", remedy="none")
sys.exit(1)`;

async function open(t: TestContext) {
  const directory = await scratchDirectory(t);
  const trainer = join(directory, "trainer");
  await mkdir(trainer);
  await writeFile(join(trainer, "requirements.lock"), "");
  await cp((await scriptedTrainer(t, script)).sources, join(trainer, "src"), { recursive: true });
  const config = {
    ...loadConfiguration({ environment: { XDG_CONFIG_HOME: directory, DRIFTLINE_FAMILIES: testFamilies } }),
    dataDirectory: join(directory, "data"),
    trainerDirectory: trainer,
    python: execFileSync("python3", ["-c", "import sys; print(sys.executable)"], { encoding: "utf8" }).trim(),
  };
  const platform = await openPlatform(config);
  t.after(() => platform.close());
  const asked = () =>
    readFile(join(trainer, "src", "driftline_trainer", "asked"), "utf8").then(
      (text) => text.length,
      () => 0,
    );
  const ask = (velocity: string, more: Record<string, string> = {}) =>
    canonicalQuestion(platform.family(family), { conditions: { drift_velocity: velocity, ...more } });
  const ensure = async (request: EnsureRequest) => {
    const { job } = await platform.ensure(family, request);
    assert.ok(job, "there is a model");
    return job;
  };
  return { platform, asked, ask, ensure };
}

/** A published model whose weights are this text; without `architecture` it keeps none. */
async function publish({ opened }: Platform, question: Question, architecture?: string): Promise<string> {
  const weights = `weights of ${question.key}`;
  const { manifest, files } = makeBundle(question, {
    files: architecture ? { "weights.safetensors": new TextEncoder().encode(weights) } : {},
    change: ({ provenance }) => {
      if (architecture) provenance.weights = { file: "weights.safetensors", architecture };
    },
  });
  const { model } = await opened.catalogue.publish({ manifest, files, reason: "a test" });
  return model.bundle;
}

const at = (velocity: string): EnsureRequest => ({ conditions: { drift_velocity: velocity } });

test("the nearest model whose weights fit is chosen, and what was passed over is said", async (t) => {
  const { platform, asked, ask, ensure } = await open(t);
  const alone = await ensure(at("6"));
  assert.equal(alone.warmStart?.parent, null);
  assert.match(alone.warmStart?.reason ?? "", /^no model of test\.fast has the same labels and software/);

  await publish(platform, ask("5.46", { particle: "kaon" }), own);
  await publish(platform, ask("5.46", { noise: "1" }), own);
  const stillAlone = await ensure(at("6.01"));
  assert.equal(stillAlone.warmStart?.parent, null, "a label differs, or a condition without tolerance");

  await publish(platform, ask("5.47"));
  const noWeights = await ensure(at("6.02"));
  assert.equal(noWeights.warmStart?.reason, "no near model's weights fit: 1 without weights");
  assert.equal(await asked(), 0, "the trainer is asked where there are weights");

  await publish(platform, ask("5.48"), other);
  const damaged = await publish(platform, ask("5.45"), own);
  const { sha256 } = await platform.opened.catalogue.fileEntry(damaged, "weights.safetensors");
  await platform.opened.catalogue.blobs.setAside(sha256);
  const far = await publish(platform, ask("5.60"), own);
  const nearest = await publish(platform, ask("5.40"), own);
  const chosen = await ensure(at("5.46"));
  assert.deepEqual(chosen.warmStart, {
    parent: nearest,
    distance: 1.2,
    reason: "1.2 tolerances away; nearer ones: 1 damaged, 1 without weights, 1 of another architecture",
  });
  const claimed = await platform.opened.store.claim(chosen.id, thisProcess());
  assert.equal(claimed?.recipe.parent, nearest);

  await platform.opened.catalogue.retire(nearest, "gain map was wrong");
  assert.equal(
    (await ensure({ ...at("5.46"), seed: 9 })).warmStart?.parent,
    far,
    "a retired one serves nothing",
  );
});

test("a job keeps its parent, though a nearer model is published, the parent retired and its blobs are old", async (t) => {
  const { platform, ask, ensure } = await open(t);
  const { catalogue, store, results, families } = platform.opened;
  const parent = await publish(platform, ask("5.40"), own);
  const job = await ensure({ ...at("5.46"), rows: 300 });
  assert.equal(job.warmStart?.parent, parent);

  const nearer = await publish(platform, ask("5.45"), own);
  const joined = await ensure({ ...at("5.46"), rows: 300 });
  assert.deepEqual([joined.id, joined.warmStart], [job.id, job.warmStart]);
  assert.equal((await ensure({ ...at("5.46"), rows: 301 })).warmStart?.parent, nearer, "another plan");

  const { config } = platform;
  const trainer = () => trainerEnvironment(config.trainerDirectory, config.python);
  const signal = new AbortController().signal;
  const jobs = await jobsDirectory(config.dataDirectory);
  const run = async (): Promise<Job> => {
    const claimed = await store.claim(job.id, thisProcess());
    assert.ok(claimed);
    const { limits } = config;
    const around = { store, results, catalogue, families, trainer, jobsDirectory: jobs, threads: 2, limits };
    await runJob({ ...around, signal }, claimed);
    return store.get(job.id);
  };
  const first = await run();
  assert.equal(first.state, "queued", first.error?.detail);
  await catalogue.retire(parent, "gain map was wrong");
  const { removed } = await catalogue.collectUnused(Date.now() + 1e9);
  assert.ok(removed > 0, "the dataset's blobs were removed, and are made anew");
  t.mock.timers.enable({ apis: ["Date"], now: Date.parse(first.retry?.at ?? "") });
  const second = await run();
  const { sha256 } = await catalogue.fileEntry(parent, "weights.safetensors");
  assert.equal(second.attempt, 2);
  assert.match(second.error?.detail ?? "", new RegExp(`parent ${sha256}: weights of ${ask("5.40").key}`));
});

test("a refusal stands whatever has become nearest since; a retry starts from random weights", async (t) => {
  const { platform, ask, ensure } = await open(t);
  const { store } = platform.opened;
  await publish(platform, ask("5.40"), own);
  const job = await ensure(at("5.46"));
  const claimed = await store.claim(job.id, thisProcess());
  await store.record(job.id, claimed!.fence, { state: "refused" }, { type: "state" });
  await publish(platform, ask("5.45"), own);
  await assert.rejects(platform.ensure(family, at("5.46")), { code: "refused" });
  const retried = await ensure({ ...at("5.46"), retry: true });
  assert.deepEqual(retried.warmStart, {
    parent: null,
    distance: null,
    reason: "a retry starts from random weights",
  });
});
