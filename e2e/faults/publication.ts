// One publication with one fault in it, and what must be true of the catalogue afterwards.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { fileURLToPath } from "node:url";
import { openCatalogue } from "../../packages/driftline/src/catalogue/catalogue.ts";
import {
  ask,
  makeBundle,
  type TestBundle,
  testFamily,
} from "../../packages/driftline/src/catalogue/testing.ts";
import { type Call, type Fault, injector } from "./inject.ts";
import type { Order, Said } from "./publisher.ts";

/** What is published onto what. */
export interface Scenario {
  name: string;
  /** A data directory to start from; null for one that is not there yet. */
  template: string | null;
  /** What serves before, if anything does. */
  before: TestBundle[];
  published: TestBundle;
  /** Directory of the bundle that is published. */
  bundle: string;
}

const first = makeBundle(ask(), { salt: "first" });
/** Of the question of `first`, and shares a blob with it. */
const successor = makeBundle(ask(), { salt: "second", files: { "model.onnx": first.files["model.onnx"] } });
/** A file of it takes two writes. */
const second = makeBundle(ask({ drift_velocity: "5.6" }), {
  salt: "second",
  files: { "model.onnx": new Uint8Array(300_000).fill(7) },
});

export async function scenarios(scratch: string): Promise<Scenario[]> {
  const withFirst = join(scratch, "with-first");
  const catalogue = await openCatalogue(withFirst);
  await catalogue.publish({ ...first, reason: "test" });
  await catalogue.close();
  const scenario = async (
    name: string,
    template: string | null,
    before: TestBundle[],
    published: TestBundle,
  ) => {
    const bundle = join(scratch, `bundle-${published.digest.slice(0, 12)}`);
    await mkdir(bundle, { recursive: true });
    await writeFile(join(bundle, "bundle.json"), published.manifest);
    for (const [path, bytes] of Object.entries(published.files)) await writeFile(join(bundle, path), bytes);
    return { name, template, before, published, bundle };
  };
  return [
    await scenario("a second bundle beside the first", withFirst, [first], second),
    await scenario("the first bundle of a new data directory", null, [], first),
    await scenario("a bundle in the place of the first", withFirst, [first], successor),
  ];
}

/**
 * The same publication, begun anew on what a kill left behind: blobs are stored, and the database is about to be written.
 * What opening such a directory repairs is then disturbed too.
 */
export async function afterKill(scenario: Scenario, calls: Call[], one: Publisher): Promise<Scenario> {
  const lastRename = calls.findLast(({ name }) => name === "rename")!.number;
  const commit = calls.find(
    ({ number, name, path }) => number > lastRename && name === "pwrite" && path.endsWith("-wal"),
  )!;
  const { dataDirectory } = await one.run(scenario, "kill before", commit.number);
  return { ...scenario, name: `${scenario.name}, after a kill in its commit`, template: dataDirectory };
}

export interface Outcome {
  dataDirectory: string;
  said: Said[];
  killed: boolean;
  /** How often the fault befell a call. */
  fired: number;
  calls: Call[];
  /** The call that it befell first. */
  befell: Call | undefined;
}

const patienceMs = 60_000;

export type Publisher = Awaited<ReturnType<typeof publisher>>;

/**
 * Carries out publications one after another, in a process that is started anew when a fault has killed it.
 * A process that ends well leaves its compiled code in `compileCache`, and later ones start in half the time.
 */
export async function publisher(scratch: string, compileCache: string) {
  await mkdir(scratch, { recursive: true });
  const faults = await injector(scratch);
  let child: ChildProcess | null = null;
  let lines: AsyncIterator<string> | null = null;
  let runs = 0;

  async function started(): Promise<ChildProcess> {
    if (child !== null) return child;
    const program = fileURLToPath(new URL("./publisher.ts", import.meta.url));
    child = spawn(process.execPath, [program], {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, ...faults.environment, NODE_COMPILE_CACHE: compileCache },
    });
    child.stdin!.on("error", () => {});
    const reader: Interface = createInterface({ input: child.stdout! });
    lines = reader[Symbol.asyncIterator]();
    assert.equal((await next())?.said, "ready");
    return child;
  }

  async function next(): Promise<Said | null> {
    const { value, done } = await lines!.next();
    return done ? null : (JSON.parse(value as string) as Said);
  }

  async function run(scenario: Scenario, fault: Fault, at: number): Promise<Outcome> {
    const dataDirectory = join(scratch, `data-${++runs}`);
    if (scenario.template) await cp(scenario.template, dataDirectory, { recursive: true });
    const process_ = await started();
    faults.arm(fault, at);
    // One that hangs is ended, and is not as the fault would have it.
    const patience = setTimeout(() => process_.kill("SIGKILL"), patienceMs);
    process_.stdin!.write(`${JSON.stringify({ dataDirectory, bundle: scenario.bundle } satisfies Order)}\n`);
    const said: Said[] = [];
    let line = await next();
    for (; line !== null && line.said !== "done"; line = await next()) said.push(line);
    clearTimeout(patience);
    const killed = line === null;
    if (killed) {
      if (process_.exitCode === null && process_.signalCode === null) await once(process_, "exit");
      child = null;
      assert.equal(
        process_.signalCode,
        "SIGKILL",
        `the publishing process ended with status ${process_.exitCode}`,
      );
    }
    const calls = faults.takeCalls();
    const befell = calls.find(({ number }) => number === at);
    const outcome = { dataDirectory, said, killed, fired: faults.fired(), calls, befell };
    faults.arm(fault, 0);
    return outcome;
  }

  return {
    run,
    async close() {
      if (child?.exitCode === null) {
        child.stdin?.end();
        await once(child, "exit");
      }
      faults.close();
    },
  };
}

/** Asserts what holds after any fault, opens the data directory for it in this process, and removes it. */
export async function assertWhole(scenario: Scenario, fault: Fault, outcome: Outcome): Promise<void> {
  const { dataDirectory, said, killed, fired, befell } = outcome;
  const { published, before } = scenario;
  const passing = fault === "ENOSPC" || fault === "EIO" || fault === "short write";
  const acknowledged = said.some((line) => line.said === "acknowledged" && line.bundle === published.digest);
  const failures = said.filter((line) => line.said === "failed");
  if (fault === "short write") assert.deepEqual(failures, [], "a short write is gone on with");
  if (passing) assert.ok(acknowledged, "what failed once succeeds the second time, in the same process");
  assert.deepEqual(
    said.filter((line) => line.said === "left open"),
    [],
  );
  if (!killed && befell?.name !== "unlink") assert.deepEqual(await remains(dataDirectory), []);
  assert.equal(killed, fired > 0 && (fault.startsWith("kill") || fault === "torn write"));

  const catalogue = await openCatalogue(dataDirectory);
  try {
    assert.deepEqual((await catalogue.verifyAll()).findings, []);
    const digests = (await Array.fromAsync(catalogue.models())).map(({ bundle }) => bundle);
    const there = digests.includes(published.digest);
    assert.ok(there || !acknowledged, "an acknowledged bundle is lost");
    const expected = [...before, ...(there ? [published] : [])];
    assert.deepEqual(digests.sort(), expected.map(({ digest }) => digest).sort());
    for (const bundle of expected) await assertSame(catalogue, bundle);
    await assertServes(catalogue, expected);
    const again = await catalogue.publish({ ...published, reason: "again" });
    assert.equal(again.created, !there);
    await assertSame(catalogue, published);
    await assertServes(catalogue, [...before, published]);
    const bindings = await catalogue.database.db
      .selectFrom("bindings")
      .select("bundle")
      .orderBy("id")
      .execute();
    assert.deepEqual(
      bindings.map(({ bundle }) => bundle),
      [...before, published].map(({ digest }) => digest),
      "each bundle is bound once",
    );
  } finally {
    await catalogue.close();
  }
  await rm(dataDirectory, { recursive: true });
}

/** What writers leave while they work. A process that lives removes it, also after a failure. */
async function remains(dataDirectory: string): Promise<string[]> {
  const files = await readdir(dataDirectory, { recursive: true }).catch(() => []);
  return files.filter((path) => /incoming\/.|catalogue\.json\.|bindings\.jsonl\./.test(path));
}

type Opened = Awaited<ReturnType<typeof openCatalogue>>;

async function assertSame(catalogue: Opened, bundle: TestBundle): Promise<void> {
  assert.deepEqual(Buffer.from(await catalogue.manifest(bundle.digest)), Buffer.from(bundle.manifest));
  for (const [path, bytes] of Object.entries(bundle.files)) {
    const { sha256 } = await catalogue.fileEntry(bundle.digest, path);
    assert.ok(Buffer.from(bytes).equals(await catalogue.blobs.read(sha256)), path);
  }
}

/** Every question is answered with the last bundle that was published for it. */
async function assertServes(catalogue: Opened, bundles: TestBundle[]): Promise<void> {
  const last = new Map(bundles.map((bundle) => [bundle.question.key, bundle]));
  for (const { question, digest } of last.values()) {
    const answer = await catalogue.resolve(question, testFamily, "exact");
    assert.ok(answer.found, `nothing serves ${question.key}`);
    assert.equal(answer.model.bundle, digest);
  }
}

/** The calls without what differs from run to run: process ids and random names. */
export function shapeOf(calls: Call[]): string[] {
  return calls.map(({ name, bytes, path }) => {
    const plain = path
      .replace(/.*\/data-\d+/, "data")
      .replace(/(incoming)\/.*/, "$1/…")
      .replace(/(catalogue\.json)\..*/, "$1.…");
    return `${name} ${bytes} ${plain.startsWith("data") ? plain : ".."}`;
  });
}
