// What a pushed bundle claims is held against the family here before a job judges it; and what that job is.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { BundleManifest } from "@driftline/client/bundle";
import { tarOfDirectory } from "@driftline/client/tar";
import { keyOf, type tinyQuestion, writeTinyBundle } from "@driftline/client/testing/tinyBundle";
import { loadConfiguration } from "../../config/configuration.ts";
import { canonicalQuestion } from "../../family/question.ts";
import { openPlatform } from "../platform.ts";

const directory = mkdtempSync(join(tmpdir(), "driftline-push-"));
const platform = await openPlatform(
  loadConfiguration({
    environment: {
      DRIFTLINE_DATA_DIR: join(directory, "data"),
      // Nothing is judged here: any program will do.
      DRIFTLINE_PYTHON: process.execPath,
      XDG_CONFIG_HOME: directory,
    },
  }),
);
after(async () => {
  await platform.close();
  rmSync(directory, { recursive: true });
});
const family = platform.family("mpd.tpc");
const { conditions, software } = canonicalQuestion(family, {});

/** A bundle whose claims are the family's, until `change` alters them. */
let written = 0;
async function bundle(change: (manifest: BundleManifest) => void = () => {}) {
  const place = join(directory, `bundle-${written++}`);
  await writeTinyBundle(place, {
    change(manifest) {
      const asked = { family: family.name, familyVersion: family.version, conditions, software };
      const columns = family.inputs.map(({ name, unit, low, high }) => ({ name, unit, low, high }));
      Object.assign(manifest, structuredClone(asked), {
        signature: {
          inputs: [{ ...manifest.signature.inputs[0], columns }, ...manifest.signature.inputs.slice(1)],
          outputs: manifest.signature.outputs,
        },
        domain: {
          inputs: Object.fromEntries(
            columns.map(({ name, unit, low, high }) => [name, { low, high, unit, tested: true }]),
          ),
          conditions: Object.fromEntries(
            family.conditions.flatMap((condition) => {
              if (condition.kind === "label") return [];
              const own = Number(conditions[condition.name]);
              return [[condition.name, { low: own, high: own, unit: condition.unit, tested: false }]];
            }),
          ),
        },
      });
      change(manifest);
      manifest.key = keyOf(manifest as unknown as typeof tinyQuestion);
    },
  });
  return tarOfDirectory(place);
}

const velocity = (low: number, high: number) => (manifest: BundleManifest) => {
  Object.assign(manifest.domain.conditions.drift_velocity, { low, high, tested: low < high });
};

test("a good bundle gets a job that judges it; asking again joins it, and it is not collected", async () => {
  const { tar, digest } = await bundle(velocity(5.45, 5.55));
  const { job } = await platform.push(tar);
  assert.deepEqual(
    job?.stages.map(({ name }) => name),
    ["receive", "dataset", "validate", "domain", "publish"],
  );
  assert.equal((await platform.push(tar)).job?.id, job?.id);
  assert.equal((await platform.resolve(family.name, {})).found, false, "nothing is bound before");
  await assert.rejects(platform.model(digest), { code: "unknown_model" });
  const { store, catalogue } = platform.opened;
  assert.deepEqual(await store.candidates(), [digest]);
  await catalogue.collectUnused(Date.now() + 60_000, { candidates: await store.candidates() });
  assert.ok((await catalogue.blobs.read(digest)).length > 0);
  await assert.rejects(platform.report(job!.id), { code: "unknown_file" });
  await platform.cancel(job!.id);
  const next = await platform.push(tar);
  assert.ok(next.job && next.job.id !== job?.id, "a job that ended without a verdict is no verdict");
  await platform.cancel(next.job.id);
});

test("its seeds follow from its digest, so that other responses than a trainer foresaw are drawn", async () => {
  const seeds: unknown[] = [];
  for (const salt of [1, 2]) {
    const { tar } = await bundle((manifest) => Object.assign(manifest.recipe, { salt }));
    const { job } = await platform.push(tar);
    await platform.cancel(job!.id);
    const [row] = await platform.opened.catalogue.database.db
      // The table of jobs is not the catalogue's to know.
      .selectFrom("jobs" as never)
      .select("recipe_json" as never)
      .where("id" as never, "=", job!.id as never)
      .execute();
    const { data, validation } = JSON.parse((row as { recipe_json: string }).recipe_json);
    assert.equal(data.seed, validation.seed);
    seeds.push(data.seed);
  }
  assert.notEqual(seeds[0], seeds[1]);
});

const wrong: [what: string, change: (m: BundleManifest) => void, code: string, field: string | RegExp][] = [
  ["an unknown family", (m) => Object.assign(m, { family: "mpd.other" }), "unknown_family", "family"],
  ["another version", (m) => Object.assign(m, { familyVersion: 7 }), "unknown_family", "familyVersion"],
  [
    "conditions that are not canonical",
    (m) => Object.assign(m.conditions, { drift_velocity: "5.50" }),
    "invalid_bundle",
    "conditions",
  ],
  [
    "a condition out of range",
    (m) => Object.assign(m.conditions, { drift_velocity: "99" }),
    "out_of_range",
    "conditions.drift_velocity",
  ],
  ["a domain beyond the tolerance", velocity(5.4, 5.6), "invalid_bundle", "domain.conditions.drift_velocity"],
  ["a domain beside its point", velocity(5.52, 5.55), "invalid_bundle", "domain.conditions.drift_velocity"],
  ["a domain off the grid", velocity(5.455, 5.5), "invalid_bundle", "domain.conditions.drift_velocity"],
  [
    "a domain in other units",
    (m) => Object.assign(m.domain.conditions.drift_velocity, { unit: "mm/us" }),
    "invalid_bundle",
    "domain.conditions.drift_velocity",
  ],
  [
    "a domain that lacks a condition",
    (m) => Reflect.deleteProperty(m.domain.conditions, "drift_velocity"),
    "invalid_bundle",
    "domain.conditions",
  ],
  [
    "fewer inputs than simulated",
    (m) => {
      Object.assign(m.domain.inputs.pt, { low: 1 });
      Object.assign(m.signature.inputs[0].columns!.find(({ name }) => name === "pt")!, { low: 1 });
    },
    "refused",
    "domain.inputs.pt",
  ],
  [
    "inputs beyond the family's",
    (m) => Object.assign(m.domain.inputs.pt, { high: 1000 }),
    "invalid_bundle",
    "domain.inputs.pt",
  ],
  [
    "columns in another order",
    (m) => m.signature.inputs[0].columns!.reverse(),
    "invalid_bundle",
    "signature.inputs",
  ],
  [
    "a tolerance that forgives all",
    (m) => Object.assign(m.tolerance, { relative: 1e6 }),
    "invalid_bundle",
    "tolerance.relative",
  ],
  [
    "a simulator that nothing here can run",
    (m) => Object.assign(m.software, { simulator: "mpdroot/unknown" }),
    "invalid_software",
    "software.simulator",
  ],
];

for (const [what, change, code, field] of wrong) {
  test(`a bundle with ${what} is refused before anything runs`, async () => {
    const { tar } = await bundle(change);
    await assert.rejects(
      platform.push(tar),
      (error: Error & { code?: string; field?: string; remedy?: string }) => {
        assert.deepEqual([error.code, error.field], [code, field], error.message);
        assert.ok(error.remedy);
        return true;
      },
    );
    assert.equal(
      (await Array.fromAsync(platform.jobs())).filter(({ state }) => state === "queued").length,
      0,
    );
  });
}

test("with files it may cover less, and claims no more than its own conditions", async () => {
  const data = {
    files: [fileURLToPath(new URL("../../streaming/testdata/responses.root", import.meta.url))],
  };
  const asserted = (manifest: BundleManifest) => {
    Object.assign(manifest.software, { simulator: "mpdroot/unknown" });
    Object.assign(manifest.provenance, { dataSource: "files" });
  };
  const { tar } = await bundle(asserted);
  const { job } = await platform.push(tar, { data });
  assert.equal(job?.dataSource, "files");
  await platform.cancel(job.id);
  const more = await bundle((manifest) => {
    asserted(manifest);
    velocity(5.45, 5.55)(manifest);
  });
  await assert.rejects(platform.push(more.tar, { data }), {
    code: "refused",
    field: "domain.conditions.drift_velocity",
  });
});

test("a bundle that changed on its way is refused by its digests", async () => {
  const { tar } = await bundle();
  async function* changed() {
    for await (const piece of tar.open()) {
      const text = Buffer.from(piece);
      const at = text.indexOf("good for tests only");
      if (at >= 0) text.write("evil for tests only", at);
      yield text;
    }
  }
  await assert.rejects(platform.push({ open: changed }), { code: "invalid_bundle", field: "card.md" });
});
