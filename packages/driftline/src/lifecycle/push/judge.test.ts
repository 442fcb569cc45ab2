// The job that judges a pushed bundle, with a real simulator and real gates: published where they hold, refused where they do not.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Job } from "@driftline/client/api";
import { tarOfDirectory } from "@driftline/client/tar";
import {
  externalModel,
  keyOf,
  type tinyQuestion,
  writeTinyBundle,
} from "@driftline/client/testing/tinyBundle";
import { loadConfiguration } from "../../config/configuration.ts";
import { canonicalQuestion } from "../../family/question.ts";
import { openPlatform, type Platform } from "../platform.ts";
import { testFamilies } from "../testing.ts";

/** A platform whose family test.fast lets a Wasserstein distance to `maximum` pass. */
async function open(t: TestContext, maximum: number): Promise<{ platform: Platform; directory: string }> {
  const directory = mkdtempSync(join(tmpdir(), "driftline-judge-"));
  const place = join(directory, "families", "test.fast");
  mkdirSync(place, { recursive: true });
  const yaml = readFileSync(join(testFamilies, "test.fast", "family.yaml"), "utf8");
  const changed = yaml.replaceAll("maximum: 5 }", `maximum: ${maximum} }`);
  assert.notEqual(changed, yaml);
  writeFileSync(join(place, "family.yaml"), changed);
  const environment = {
    DRIFTLINE_DATA_DIR: join(directory, "data"),
    DRIFTLINE_FAMILIES: join(directory, "families"),
    XDG_CONFIG_HOME: directory,
  };
  const platform = await openPlatform(loadConfiguration({ environment }));
  t.after(async () => {
    await platform.close();
    rmSync(directory, { recursive: true, force: true });
  });
  return { platform, directory };
}

/** Pushes a bundle that claims a range of drift velocities, and says how its job ended. */
async function judged({ platform, directory }: Awaited<ReturnType<typeof open>>, model?: Uint8Array) {
  const family = platform.family("test.fast");
  const { conditions, software } = canonicalQuestion(family, {});
  const place = join(directory, "bundle");
  await writeTinyBundle(place, {
    files: model ? { "model.onnx": model } : {},
    change(manifest) {
      Object.assign(manifest, { family: family.name, familyVersion: family.version, conditions, software });
      manifest.domain.conditions = Object.fromEntries(
        family.conditions.flatMap((condition) => {
          if (condition.kind === "label") return [];
          const own = Number(conditions[condition.name]);
          const [low, high] = condition.name === "drift_velocity" ? [5.48, 5.55] : [own, own];
          return [[condition.name, { low, high, unit: condition.unit, tested: low < high }]];
        }),
      );
      manifest.key = keyOf(manifest as unknown as typeof tinyQuestion);
    },
  });
  const { tar, digest } = await tarOfDirectory(place);
  const { job } = await platform.push(tar);
  assert.ok(job);
  const executor = platform.runJobs(job.id);
  for await (const _ of platform.events(job.id));
  await executor.close();
  return { tar, digest, job: await platform.job(job.id) };
}

const states = (job: Job) => job.stages.map(({ name, state }) => `${name} ${state}`).join(", ");

test("a bundle that passes all gates, at the ends that it claims too, is bound", {
  timeout: 240_000,
}, async (t) => {
  const opened = await open(t, 1e6);
  const { job, digest, tar } = await judged(opened);
  assert.equal(job.state, "published", JSON.stringify(job.error));
  assert.equal(states(job), "receive done, dataset done, validate done, domain done, publish done");
  assert.deepEqual(
    [...new Set(job.verdict?.gates.map(({ at }) => at))],
    ["nominal", "drift_velocity 5.48 cm/us", "drift_velocity 5.55 cm/us", "corner 1 of the box"],
  );
  const found = await opened.platform.resolve("test.fast", {});
  assert.ok(found.found && found.model.bundle === digest);
  const again = await opened.platform.push(tar);
  assert.equal(again.model?.bundle, digest);
});

test("one that does not is refused by name and value, with a report, and binds nothing", {
  timeout: 240_000,
}, async (t) => {
  const opened = await open(t, 0.001);
  const { job, digest, tar } = await judged(opened);
  assert.equal(job.state, "refused", JSON.stringify(job.error));
  assert.match(job.error?.detail ?? "", /wasserstein is [\d.]+, allowed is at most 0\.001/);
  assert.match(new TextDecoder().decode(await opened.platform.report(job.id)), /wasserstein/);
  assert.equal((await opened.platform.resolve("test.fast", {})).found, false);
  await assert.rejects(opened.platform.model(digest), { code: "unknown_model" });
  await assert.rejects(opened.platform.push(tar), {
    code: "refused",
    data: { job: job.id, verdict: job.verdict, report: job.report },
  });
});

test("a model that would read another file is never run", { timeout: 120_000 }, async (t) => {
  const { job } = await judged(await open(t, 1e6), await readFile(externalModel));
  assert.equal(job.state, "failed");
  assert.equal(job.error?.code, "invalid_bundle");
  assert.match(job.error?.detail ?? "", /another file/);
  assert.equal(
    states(job),
    "receive failed, dataset waiting, validate waiting, domain waiting, publish waiting",
  );
});
