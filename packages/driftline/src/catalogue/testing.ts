// What tests of the catalogue share: a small family, questions, bundles made in memory, catalogues in scratch places.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { hash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { BundleManifest } from "@driftline/client/bundle";
import canonicalize from "canonicalize";
import type { QuantityCondition, Question } from "../family/family.ts";
import { formatKey } from "../family/key.ts";
import { canonicalQuestion } from "../family/question.ts";
import { makeFamily } from "../family/testing.ts";
import { type Catalogue, openCatalogue } from "./catalogue.ts";

function quantity(
  name: string,
  unit: string,
  nominal: string,
  grid: string,
  tolerance: string,
): QuantityCondition {
  return {
    kind: "quantity",
    name,
    description: "",
    unit,
    nominal,
    grid,
    tolerance,
    minimum: "0",
    maximum: "1000",
  };
}

/** A few conditions of mpd.tpc with their grids and tolerances, one without tolerance, and a label. */
export const testFamily = makeFamily({
  name: "test.tpc",
  conditions: [
    quantity("drift_velocity", "cm/us", "5.5", "0.01", "0.05"),
    quantity("magnetic_field", "T", "0.5", "0.01", "0.01"),
    quantity("transverse_diffusion", "um/sqrt(cm)", "185", "1", "10"),
    quantity("threshold", "ADC", "1", "0.1", "0"),
    { kind: "label", name: "gas", description: "", values: null, nominal: "Ar/CH4 90/10" },
  ],
  software: [{ name: "simulator", description: "", nominal: "driftline-tpc/1" }],
});

/** A question of the test family; what is left out is nominal. */
export function ask(
  conditions: Record<string, string> = {},
  software: Record<string, string> = {},
): Question {
  return canonicalQuestion(testFamily, { conditions, software });
}

function sha256(content: string | Uint8Array): string {
  return hash("sha256", content);
}

/** The key of conditions and software that need not be canonical for the family. */
export function keyOf({ family, familyVersion, conditions, software }: Question): string {
  return formatKey(
    sha256(canonicalize({ scheme: "driftline-key/1", family, familyVersion, conditions, software })!),
  );
}

export interface TestBundle {
  manifest: Uint8Array;
  files: Record<string, Uint8Array>;
  digest: string;
  question: Question;
}

/**
 * A bundle for a question; `domain` gives the ends of its measured domain, `salt` makes
 * another bundle for the same question, and `change` may alter the manifest.
 */
export function makeBundle(
  question: Question,
  options: {
    domain?: Record<string, [low: number, high: number]>;
    salt?: string;
    files?: Record<string, Uint8Array>;
    change?: (manifest: BundleManifest) => void;
  } = {},
): TestBundle {
  const salt = options.salt ?? "";
  const text = (content: string) => new TextEncoder().encode(content);
  const files: Record<string, Uint8Array> = {
    "card.md": text(`# ${question.key} ${salt}`),
    "model.onnx": text(`model ${salt}`),
    "reference.safetensors": text(`reference ${salt}`),
    "validation.json": text("{}"),
    ...options.files,
  };
  const conditions: BundleManifest["domain"]["conditions"] = {};
  for (const condition of testFamily.conditions) {
    if (condition.kind === "label") continue;
    const own = Number(question.conditions[condition.name]);
    if (Number.isNaN(own)) continue;
    const [low, high] = options.domain?.[condition.name] ?? [own, own];
    conditions[condition.name] = { low, high, unit: condition.unit, tested: low !== high };
  }
  const manifest: BundleManifest = {
    scheme: "driftline-bundle/1",
    key: question.key,
    family: question.family,
    familyVersion: question.familyVersion,
    conditions: question.conditions,
    software: question.software,
    recipe: { salt },
    recipeHash: sha256(`recipe ${question.key} ${salt}`),
    signature: { inputs: [], outputs: [] },
    domain: { conditions, inputs: { pt: { low: 0.2, high: 2.5, unit: "GeV/c", tested: true } } },
    tolerance: { absolute: 1e-5, relative: 1e-5 },
    provenance: { dataSource: "simulator" },
    verdict: { passed: true, gates: [] },
    files: Object.entries(files).map(([path, bytes]) => ({
      path,
      size: bytes.length,
      sha256: sha256(bytes),
    })),
  };
  options.change?.(manifest);
  const bytes = text(JSON.stringify(manifest));
  return { manifest: bytes, files, digest: sha256(bytes), question };
}

/** A directory that is gone when the test has ended. */
export async function scratchDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "driftline-catalogue-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export async function scratchCatalogue(t: TestContext): Promise<Catalogue> {
  const catalogue = await openCatalogue(await scratchDirectory(t));
  t.after(() => catalogue.close());
  return catalogue;
}

/**
 * Runs `script` in a process of its own, as a module that has `directory` and what catalogue.ts, database.ts,
 * blobs.ts and this file export as `c`. Ends with the test.
 */
export function inChild(t: TestContext, directory: string, script: string): ChildProcess {
  const exports = ["./catalogue.ts", "./database.ts", "./blobs.ts", "./journal.ts", "./testing.ts"]
    .map((path) => `...(await import(${JSON.stringify(new URL(path, import.meta.url).href)}))`)
    .join(", ");
  const source = `const c = { ${exports} };\nconst directory = ${JSON.stringify(directory)};\n${script}`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", source], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  return child;
}

/** The next line that a child prints; fails where it ends without one. */
export async function nextLine(child: ChildProcess): Promise<string> {
  const lines = child.stdout!.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
  const { value, done } = await lines.next();
  assert.ok(!done, "the child process ended without a word");
  return value.toString().trim();
}

/** Waits for a child to end and asserts that it did so well. */
export async function ended(child: ChildProcess): Promise<void> {
  const [code] = child.exitCode === null ? await once(child, "exit") : [child.exitCode];
  assert.equal(code, 0, "a child process failed");
}

/** A fixed linear congruential generator (Numerical Recipes). */
export function randomNumbers(seed: number) {
  let state = seed;
  return (n: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}
