// What the platform refuses to plan: data that are no files, members out of range, bundles of foreign recipes.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { makeBundle } from "../catalogue/testing.ts";
import { loadConfiguration } from "../config/configuration.ts";
import { canonicalQuestion } from "../family/question.ts";
import { openPlatform } from "./platform.ts";
import { revalidate } from "./revalidate.ts";

const directory = mkdtempSync(join(tmpdir(), "driftline-platform-"));
const platform = await openPlatform(
  loadConfiguration({
    environment: {
      DRIFTLINE_DATA_DIR: join(directory, "data"),
      // Nothing is trained: any program will do.
      DRIFTLINE_PYTHON: process.execPath,
      XDG_CONFIG_HOME: directory,
    },
  }),
);
after(async () => {
  await platform.close();
  rmSync(directory, { recursive: true });
});

test("data that are no plain file are refused at once: a pipe without a writer would be read for ever", async () => {
  const pipe = join(directory, "pipe");
  execFileSync("mkfifo", [pipe]);
  const wrong: [path: string, says: RegExp][] = [
    [pipe, /pipe: it is not a plain file\.$/],
    ["/dev/zero", /\/dev\/zero: it is not a plain file\.$/],
    [directory, /it is not a plain file\.$/],
    [join(directory, "nowhere"), /nowhere: there is no such file\.$/],
    [`${directory}\0`, /no path has a zero byte\.$/],
    [`/${"a".repeat(5_000)}`, /^.{300,350}: ENAMETOOLONG\.$/],
  ];
  for (const [path, says] of wrong) {
    await assert.rejects(platform.ensure("mpd.tpc", { data: { files: [path] } }), {
      code: "invalid_data",
      field: "data.files",
      message: says,
    });
  }
  assert.deepEqual(await Array.fromAsync(platform.jobs()), []);
});

test("a member out of range is named, in words", async () => {
  await assert.rejects(platform.ensure("mpd.tpc", { rows: 99 }), {
    code: "usage",
    field: "rows",
    message: "Asking for a model: rows must be at least 100.",
  });
  await assert.rejects(platform.ensure("mpd.tpc", { seed: 2 ** 31 }), {
    code: "usage",
    field: "seed",
    message: "Asking for a model: seed must be at most 2147483647.",
  });
});

test("two who ask for one model get one job, each with what they left out themselves", async () => {
  const first = await platform.ensure("mpd.tpc", { conditions: { noise: "2 ADC" } });
  const second = await platform.ensure("mpd.tpc", { conditions: { noise: "2 ADC", particle: "pion" } });
  assert.equal(second.job?.id, first.job?.id);
  assert.ok(first.job?.question.defaulted.includes("particle"));
  assert.ok(!second.job?.question.defaulted.includes("particle"));
});

test("a bundle that was made elsewhere, by no recipe of Driftline, cannot be judged again", async () => {
  const { manifest, files } = makeBundle(canonicalQuestion(platform.family("mpd.tpc"), {}));
  const { model } = await platform.opened.catalogue.publish({ manifest, files, reason: "a test" });
  const request = {
    files: [],
    rows: 100,
    seed: 1,
    tracks: null,
    signal: new AbortController().signal,
    onProgress: () => {},
  };
  await assert.rejects(revalidate(platform, model.bundle, request), {
    code: "usage",
    field: "BUNDLE",
  });
});
