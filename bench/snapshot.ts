// Snapshots of many models: publishing the first, publishing again, verifying, and answering from one.
//
//   node bench/snapshot.ts [--models 10000]

import { hash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import type { BundleManifest } from "../packages/client/src/bundle.ts";
import { connectSnapshot } from "../packages/client/src/snapshot/connectSnapshot.ts";
import { verifySnapshot } from "../packages/client/src/snapshot/verifySnapshot.ts";
import { openCatalogue } from "../packages/driftline/src/catalogue/catalogue.ts";
import { bundleRow, checkManifest } from "../packages/driftline/src/catalogue/manifest.ts";
import { described } from "../packages/driftline/src/catalogue/snapshot/testing.ts";
import { canonicalQuestion } from "../packages/driftline/src/family/question.ts";
import { conditionsOf, family } from "./catalogue.ts";

const { values } = parseArgs({ options: { models: { type: "string", default: "10000" } } });
const models = Number(values.models);

const directory = await mkdtemp(join(tmpdir(), "driftline-bench-"));
try {
  const catalogue = await openCatalogue(join(directory, "data"));
  await fill(0, models);
  const target = join(directory, "snapshot");
  const publish = () =>
    catalogue.publishSnapshot({
      directory: target,
      families: [described(family)],
      tags: [],
      keep: null,
      mend: false,
      exclusion: { self: {}, isDead: () => false },
    });
  print(`${models} models of six files, 20 kB each model`);
  await timed(
    "first publication",
    publish,
    ({ written }) => `${written.blobs} blobs, ${megabytes(written.bytes)}`,
  );
  await timed("again, nothing new", publish, ({ changed }) => (changed ? "changed" : "nothing written"));
  await fill(models, 10);
  await timed(
    "again, 10 new models",
    publish,
    ({ written }) => `${written.blobs} blobs, ${megabytes(written.bytes)}`,
  );
  await timed(
    "verification",
    () => verifySnapshot(target),
    ({ bytes }) => megabytes(bytes),
  );

  const opened: number[] = [];
  for (let n = 0; n < 20; n++) {
    opened.push(
      await milliseconds(async () =>
        (await connectSnapshot(target)).resolve(family.name, { conditions: conditionsOf(n) }),
      ),
    );
  }
  print(`open and first exact answer     ${spread(opened, "ms")}`);
  const snapshot = await connectSnapshot(target);
  const near = (i: number) => ({
    conditions: { ...conditionsOf(i), sampling_period: "101 ns" },
    accept: "compatible" as const,
  });
  print(
    `first compatible answer         ${(await milliseconds(() => snapshot.resolve(family.name, near(1)))).toFixed(0)} ms`,
  );
  const exact: number[] = [];
  const compatible: number[] = [];
  for (let n = 0; n < 500; n++) {
    const i = (n * 7919) % models;
    exact.push(await milliseconds(() => snapshot.resolve(family.name, { conditions: conditionsOf(i) })));
    if (n < 100) compatible.push(await milliseconds(() => snapshot.resolve(family.name, near(i))));
  }
  print(`exact answer                    ${spread(exact, "ms")}`);
  print(`compatible answer               ${spread(compatible, "ms")}`);
  await catalogue.close();

  /** Blobs and rows as publishing leaves them, without the syncs that are measured elsewhere. */
  async function fill(first: number, count: number): Promise<void> {
    for (let i = first; i < first + count; i++) {
      const manifest = manifestOf(i);
      for (const [digest, bytes] of manifest.blobs) {
        const path = catalogue.blobs.path(digest);
        await mkdir(dirname(path), { recursive: true });
        await writeFile(path, bytes);
      }
      const row = bundleRow(
        checkManifest(manifest.bytes, "bench"),
        new Date(1_700_000_000_000 + i).toISOString(),
      );
      const { key, digest: bundle, family: name, family_version, created_at } = row;
      await catalogue.database.write(async (trx) => {
        await trx.insertInto("bundles").values(row).execute();
        const binding = {
          key,
          family: name,
          family_version,
          bundle,
          action: "serve",
          reason: "bench",
          created_at,
        };
        await trx.insertInto("bindings").values(binding).execute();
      });
    }
  }
} finally {
  await rm(directory, { recursive: true, force: true });
}

function manifestOf(i: number): { bytes: Uint8Array; blobs: [string, Uint8Array][] } {
  const sizes = {
    "card.md": 500,
    "model.onnx": 8000,
    "reference.safetensors": 2500,
    "report.html": 8000,
    "validation.json": 1000,
  };
  const files = Object.entries(sizes).map(([path, size]) => {
    const content = Buffer.alloc(size, `${path} ${i} `);
    return { path, size, sha256: hash("sha256", content), content };
  });
  const { conditions, software, key } = canonicalQuestion(family, { conditions: conditionsOf(i) });
  const box: BundleManifest["domain"]["conditions"] = {};
  for (const condition of family.conditions) {
    if (condition.kind === "label") continue;
    const [own, tolerance] = [Number(conditions[condition.name]), Number(condition.tolerance)];
    box[condition.name] = { low: own - tolerance, high: own + tolerance, unit: condition.unit, tested: true };
  }
  const manifest: BundleManifest = {
    scheme: "driftline-bundle/1",
    ...{ key, family: family.name, familyVersion: family.version, conditions, software },
    recipe: { seed: i },
    recipeHash: hash("sha256", `recipe ${i}`),
    signature: { inputs: [], outputs: [] },
    domain: { conditions: box, inputs: {} },
    tolerance: { absolute: 1e-5, relative: 1e-5 },
    provenance: { dataSource: "simulator" },
    verdict: { passed: true, gates: [] },
    files: files.map(({ path, size, sha256 }) => ({ path, size, sha256 })),
  };
  const bytes = new TextEncoder().encode(JSON.stringify(manifest));
  const blobs = files.map(({ sha256, content }): [string, Uint8Array] => [sha256, content]);
  return { bytes, blobs: [...blobs, [hash("sha256", bytes), bytes]] };
}

async function timed<T>(what: string, work: () => Promise<T>, tell: (result: T) => string): Promise<void> {
  const started = performance.now();
  const result = await work();
  print(`${what.padEnd(32)}${((performance.now() - started) / 1000).toFixed(2)} s   ${tell(result)}`);
}

async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

function spread(times: number[], unit: string): string {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (fraction: number) => sorted[Math.floor((sorted.length - 1) * fraction)].toFixed(2);
  return `${at(0.5)} ${unit} (${at(0)} to ${at(0.99)})`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
