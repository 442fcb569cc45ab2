// Publishing snapshots: the answers of the catalogue, unchanged files left alone, one publisher, pruning, and kills.

import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { Hit, Miss } from "@driftline/client/api";
import { connectSnapshot } from "@driftline/client/snapshot/connectSnapshot";
import { blobPath } from "@driftline/client/snapshot/format";
import { verifySnapshot } from "@driftline/client/snapshot/verifySnapshot";
import {
  ask,
  inChild,
  makeBundle,
  nextLine,
  randomNumbers,
  scratchCatalogue,
  scratchDirectory,
  testFamily,
} from "../testing.ts";
import { described, filesOf, publishTest } from "./testing.ts";

test("a snapshot gives the answers of the catalogue: exact, compatible and the explained miss", async (t) => {
  const catalogue = await scratchCatalogue(t);
  const random = randomNumbers(7);
  const anywhere = () =>
    ask(
      {
        drift_velocity: `${(540 + random(20)) / 100}`,
        magnetic_field: `0.${49 + random(3)}`,
        threshold: `${1 + random(2)}`,
        gas: ["Ar/CH4 90/10", "P10"][random(2)],
      },
      { simulator: ["driftline-tpc/1", "other/1"][random(2)] },
    );
  for (let n = 0; n < 80; n++) {
    const question = anywhere();
    const own = Number(question.conditions.drift_velocity);
    const bundle = makeBundle(question, {
      salt: `${n}`,
      domain: random(3) > 0 ? { drift_velocity: [own - 0.05, own + 0.05], magnetic_field: [0.48, 0.53] } : {},
    });
    await catalogue.publish({ ...bundle, reason: "test" });
    // Some are withdrawn: they are in no snapshot.
    if (random(8) === 0) await catalogue.withdraw(bundle.digest, "test");
  }
  const directory = await scratchDirectory(t);
  const { models } = await publishTest(catalogue, directory);
  const snapshot = await connectSnapshot(directory);
  const seen = { exact: 0, compatible: 0, miss: 0 };
  for (let n = 0; n < 300; n++) {
    const question = anywhere();
    for (const accept of ["exact", "compatible"] as const) {
      const { conditions, software } = question;
      const given = await snapshot.resolve("test.tpc", { conditions, software, accept });
      const wanted = await catalogue.resolve(question, testFamily, accept);
      seen[wanted.found ? wanted.match : "miss"]++;
      if (wanted.found) {
        assert.deepEqual(given, { ...wanted, question: { ...question, defaulted: [] } } satisfies Hit);
        continue;
      }
      const withdrawn = /^Model [0-9a-f]{12} of exactly these conditions was withdrawn: test\. /;
      const reason = wanted.reason.replace(withdrawn, "");
      assert.deepEqual(given, { ...wanted, question: { ...question, defaulted: [] }, reason } satisfies Miss);
    }
  }
  for (const [kind, count] of Object.entries(seen)) assert.ok(count > 20, `${kind}: ${count} questions`);
  const serving = (await Array.fromAsync(catalogue.models())).filter((model) => model.serving);
  assert.equal(models, serving.length);
  assert.deepEqual(await Array.fromAsync(snapshot.models()), serving);
  assert.deepEqual((await verifySnapshot(directory)).findings, []);
});

test("publishing again leaves unchanged files as they are; with nothing new it leaves all of them", async (t) => {
  const catalogue = await scratchCatalogue(t);
  await catalogue.publish({ ...makeBundle(ask()), reason: "test" });
  const directory = await scratchDirectory(t);
  const first = await publishTest(catalogue, directory);
  assert.equal(first.changed, true);
  const before = await filesOf(directory);
  const again = await publishTest(catalogue, directory);
  assert.deepEqual([again.changed, again.digest, again.written.blobs], [false, first.digest, 0]);
  assert.deepEqual(await filesOf(directory), before);

  await catalogue.publish({ ...makeBundle(ask({ drift_velocity: "6" }), { salt: "new" }), reason: "test" });
  const second = await publishTest(catalogue, directory);
  assert.equal(second.changed, true);
  const after = await filesOf(directory);
  for (const [path, file] of before) {
    if (path.endsWith("snapshot.json")) assert.notEqual(after.get(path)?.inode, file.inode);
    else assert.deepEqual(after.get(path), file, path);
  }
  // Three files of the bundle (validation.json is the same), bundle.json, index, models and root.
  assert.equal(second.written.blobs, 7);
  assert.equal(after.size, before.size + 7);
  const { root } = await connectSnapshot(directory);
  assert.equal(root.previous?.sha256, first.digest);
});

test("a reader keeps what it opened while others are published, and another reads the new one", async (t) => {
  const catalogue = await scratchCatalogue(t);
  const [older, newer] = ["older", "newer"].map((salt) => makeBundle(ask(), { salt }));
  await catalogue.publish({ ...older, reason: "test" });
  const directory = await scratchDirectory(t);
  await publishTest(catalogue, directory);
  // Nothing but the root has been read when the switch comes.
  const reader = await connectSnapshot(directory);
  await catalogue.publish({ ...newer, reason: "test" });
  await catalogue.publish({ ...makeBundle(ask({ drift_velocity: "6" })), reason: "test" });
  const { digest } = await publishTest(catalogue, directory);
  const served = async (from: typeof reader) => {
    const answer = await from.resolve("test.tpc", {});
    assert.ok(answer.found);
    return answer.model.bundle;
  };
  assert.equal(await served(reader), older.digest);
  assert.equal((await Array.fromAsync(reader.models())).length, 1);
  const other = await connectSnapshot(directory, { digest });
  assert.equal(await served(other), newer.digest);
  assert.equal((await Array.fromAsync(other.models())).length, 2);
  await assert.rejects(connectSnapshot(directory, { digest: reader.digest }), { code: "usage" });
});

test("pruning keeps as many earlier snapshots as it is told, whole, and removes the rest", async (t) => {
  const catalogue = await scratchCatalogue(t);
  const directory = await scratchDirectory(t);
  const readers = [];
  const bundles = [];
  for (let n = 0; n < 4; n++) {
    // Each takes over from the one before.
    const bundle = makeBundle(ask(), { salt: `${n}` });
    bundles.push(bundle);
    await catalogue.publish({ ...bundle, reason: "test" });
    await publishTest(catalogue, directory);
    readers.push(await connectSnapshot(directory));
  }
  const { pruned } = await publishTest(catalogue, directory, { keep: 1 });
  assert.equal(pruned?.kept, 1);
  // Of each of two snapshots: three files and bundle.json of its bundle, index, models, root.
  assert.equal(pruned?.removed, 14);
  for (const [n, reader] of readers.entries()) {
    if (n >= 2) {
      const answer = await reader.resolve("test.tpc", {});
      assert.ok(answer.found);
      assert.equal(answer.model.bundle, bundles[n].digest);
    } else {
      await assert.rejects(reader.resolve("test.tpc", {}), {
        code: "damaged",
        message: /no such file; was it pruned/,
      });
    }
  }
  assert.deepEqual((await verifySnapshot(directory)).findings, []);
  assert.equal((await publishTest(catalogue, directory, { keep: 5 })).pruned?.kept, 1);
});

test("nothing is pruned where it is not known what is needed", async (t) => {
  const catalogue = await scratchCatalogue(t);
  const directory = await scratchDirectory(t);
  const bundle = makeBundle(ask());
  await catalogue.publish({ ...bundle, reason: "test" });
  await publishTest(catalogue, directory);
  await catalogue.publish({ ...makeBundle(ask(), { salt: "second" }), reason: "test" });
  await publishTest(catalogue, directory);
  const before = await filesOf(directory);
  const path = blobPath(directory, bundle.digest);
  await rm(path);
  await assert.rejects(publishTest(catalogue, directory, { keep: 1 }), { code: "damaged" });
  assert.equal((await filesOf(directory)).size, before.size - 1);
});

test("mending writes again what is missing, cut or has other bytes, and leaves the rest", async (t) => {
  const catalogue = await scratchCatalogue(t);
  const directory = await scratchDirectory(t);
  const asked: Record<string, string>[] = [{}, { drift_velocity: "6" }, { gas: "P10" }];
  for (const conditions of asked) {
    await catalogue.publish({
      ...makeBundle(ask(conditions), { salt: JSON.stringify(conditions) }),
      reason: "test",
    });
  }
  await publishTest(catalogue, directory);
  const { root } = await connectSnapshot(directory);
  const before = await filesOf(directory);
  const blobs = [...before.keys()].filter((path) => !path.endsWith("snapshot.json"));
  const index = blobPath(directory, root.families[0].index.sha256);
  const [gone, cut, flipped] = blobs.filter((path) => path !== index);
  await rm(gone);
  for (const path of [cut, flipped, index]) await chmod(path, 0o644);
  await truncate(cut, 1);
  for (const path of [flipped, index]) {
    const bytes = await readFile(path);
    bytes[0] ^= 1;
    await writeFile(path, bytes);
  }
  assert.ok((await verifySnapshot(directory).catch(() => ({ findings: ["root"] }))).findings.length > 0);
  await publishTest(catalogue, directory, { mend: true });
  assert.deepEqual((await verifySnapshot(directory)).findings, []);
  const after = await filesOf(directory);
  for (const path of blobs) {
    if (![gone, cut, flipped, index].includes(path))
      assert.deepEqual(after.get(path), before.get(path), path);
  }
});

test("a catalogue whose blob is missing or has other bytes publishes nothing, and says which", async (t) => {
  const catalogue = await scratchCatalogue(t);
  const directory = await scratchDirectory(t);
  await catalogue.publish({ ...makeBundle(ask()), reason: "test" });
  const first = await publishTest(catalogue, directory);
  const bundle = makeBundle(ask({ drift_velocity: "6" }), { salt: "new" });
  await catalogue.publish({ ...bundle, reason: "test" });
  const { files } = JSON.parse(new TextDecoder().decode(bundle.manifest)) as { files: { sha256: string }[] };
  const path = catalogue.blobs.path(files[1].sha256);
  const bytes = await readFile(path);
  await chmod(path, 0o644);
  await writeFile(
    path,
    bytes.map((byte, i) => (i === 3 ? byte ^ 1 : byte)),
  );
  await assert.rejects(publishTest(catalogue, directory), {
    code: "damaged",
    message: new RegExp(files[1].sha256),
  });
  await rm(path);
  await assert.rejects(publishTest(catalogue, directory), {
    code: "damaged",
    message: new RegExp(files[1].sha256),
  });
  assert.equal((await connectSnapshot(directory)).digest, first.digest);
  await writeFile(path, bytes);
  assert.equal((await publishTest(catalogue, directory)).models, 2);
  assert.deepEqual((await verifySnapshot(directory)).findings, []);
});

test("one publisher at a time: a living one is waited for, a dead one is taken over from", async (t) => {
  const catalogue = await scratchCatalogue(t);
  const directory = await scratchDirectory(t);
  const mark = join(directory, ".publishing");
  await writeFile(mark, JSON.stringify({ pid: 1 }));
  await assert.rejects(publishTest(catalogue, directory), { code: "busy" });
  assert.ok(existsSync(mark), "the other's mark was taken");
  const isDead = (holder: unknown) => (holder as { pid: number }).pid === 1;
  await publishTest(catalogue, directory, { exclusion: { self: { pid: 2 }, isDead } });
  assert.deepEqual((await readdir(directory)).sort(), ["blobs", "snapshot.json"]);
});

test("a directory with other things in it is left alone", async (t) => {
  const catalogue = await scratchCatalogue(t);
  await assert.rejects(publishTest(catalogue, catalogue.dataDirectory), { code: "usage", field: "--out" });
  const directory = await scratchDirectory(t);
  await writeFile(join(directory, "thesis.tex"), "");
  await assert.rejects(publishTest(catalogue, directory), { code: "usage", field: "--out" });
});

test("a publisher killed at any moment leaves the snapshot that was there, and the next one completes", async (t) => {
  const catalogue = await scratchCatalogue(t);
  const directory = await scratchDirectory(t);
  await catalogue.publish({ ...makeBundle(ask()), reason: "test" });
  const first = await publishTest(catalogue, directory);
  for (let n = 0; n < 12; n++) {
    const bundle = makeBundle(ask({ drift_velocity: `${6 + n / 10}` }), { salt: `${n}` });
    await catalogue.publish({ ...bundle, reason: "test" });
  }
  for (const after of [1, 5, 9, 12]) {
    const child = inChild(
      t,
      catalogue.dataDirectory,
      `const { publishTest } = await import(${JSON.stringify(new URL("./testing.ts", import.meta.url).href)});
       const catalogue = await c.openCatalogue(directory);
       let steps = 0;
       await publishTest(catalogue, ${JSON.stringify(directory)}, { exclusion: { self: { pid: 1 }, isDead: () => true },
         onProgress() { if (++steps === ${after}) { process.stdout.write("now\\n"); for (;;); } } });`,
    );
    assert.equal(await nextLine(child), "now");
    child.kill("SIGKILL");
    await once(child, "exit");
    assert.equal((await connectSnapshot(directory)).digest, first.digest);
    assert.deepEqual((await verifySnapshot(directory)).findings, []);
  }
  const exclusion = { self: { pid: 2 }, isDead: (holder: unknown) => (holder as { pid: number }).pid === 1 };
  const second = await publishTest(catalogue, directory, { exclusion });
  assert.equal(second.models, 13);
  assert.deepEqual((await verifySnapshot(directory)).findings, []);
  assert.deepEqual((await readdir(directory)).sort(), ["blobs", "snapshot.json"]);
});

test("blobs are read-only files, and reading writes nothing", async (t) => {
  const catalogue = await scratchCatalogue(t);
  const directory = await scratchDirectory(t);
  const bundle = makeBundle(ask());
  await catalogue.publish({ ...bundle, reason: "test" });
  await publishTest(catalogue, directory);
  const before = await filesOf(directory);
  const reader = await connectSnapshot(directory);
  await reader.resolve("test.tpc", { accept: "compatible", conditions: { drift_velocity: "6" } });
  await new Response(await reader.file(bundle.digest, "model.onnx")).arrayBuffer();
  assert.deepEqual(await filesOf(directory), before);
  assert.equal((await stat(blobPath(directory, bundle.digest))).mode & 0o777, 0o444);
  const pointer = JSON.parse(await readFile(join(directory, "snapshot.json"), "utf8")) as { sha256: string };
  assert.equal(pointer.sha256, reader.digest);
});

test("the family in a snapshot is described whole", () => {
  assert.deepEqual(described(testFamily).conditions.at(-1), {
    name: "gas",
    description: "",
    nominal: "Ar/CH4 90/10",
    unit: null,
    grid: null,
    tolerance: null,
    minimum: null,
    maximum: null,
    values: null,
  });
});
