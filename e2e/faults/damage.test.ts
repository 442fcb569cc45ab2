// One flipped bit in each kind of blob, and each byte of a manifest: named on read and by doctor, and never handed out.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { connect } from "@driftline/client";
import { pull } from "@driftline/client/pull";
import { type Catalogue, openCatalogue } from "../../packages/driftline/src/catalogue/catalogue.ts";
import { ask, makeBundle, type TestBundle } from "../../packages/driftline/src/catalogue/testing.ts";
import { driftline, serve, temporaryDirectory } from "../support.ts";
import { randomFrom } from "./random.ts";

const random = randomFrom(4);

/** Several pieces of a stream, so that damage at its end shows only after much has been sent. */
const large = Uint8Array.from({ length: 1_000_000 }, () => random() * 256);

interface Site {
  dataDirectory: string;
  catalogue: Catalogue;
  bundle: TestBundle;
  /** Digest of each file by its path, the manifest's too. */
  blobs: Record<string, string>;
}

async function publishedBundle(t: TestContext): Promise<Site> {
  const dataDirectory = join(await temporaryDirectory(t), "data");
  const catalogue = await openCatalogue(dataDirectory);
  t.after(() => catalogue.close());
  const report = new TextEncoder().encode("<svg/>");
  const bundle = makeBundle(ask(), { files: { "model.onnx": large, "report.html": report } });
  await catalogue.publish({ ...bundle, reason: "test" });
  const blobs: Record<string, string> = { "bundle.json": bundle.digest };
  for (const path of Object.keys(bundle.files)) {
    blobs[path] = (await catalogue.fileEntry(bundle.digest, path)).sha256;
  }
  return { dataDirectory, catalogue, bundle, blobs };
}

/** Flips one bit of a blob and returns how to put it right again. */
async function flipBit(path: string, at?: number): Promise<() => Promise<void>> {
  const intact = await readFile(path);
  const bit = at ?? Math.floor(random() * intact.length * 8);
  const changed = Uint8Array.from(intact);
  changed[bit >> 3] ^= 1 << (bit & 7);
  await chmod(path, 0o644);
  await writeFile(path, changed);
  return () => writeFile(path, intact);
}

/** The bytes that a client has when all that was announced has come; null where it is told that something is wrong. */
async function received(url: string, headers: Record<string, string> = {}): Promise<Uint8Array | null> {
  const response = await fetch(url, { headers });
  if (!response.ok) {
    assert.equal(
      ((await response.json()) as { code: string }).code,
      "damaged",
      `${response.status} of ${url}`,
    );
    return null;
  }
  return response.arrayBuffer().then(
    (bytes) => new Uint8Array(bytes),
    () => null,
  );
}

// A comparison of a million numbers that differ would take minutes to print.
function same(found: Uint8Array | null, expected: Uint8Array): boolean {
  return found !== null && Buffer.from(found).equals(expected);
}

test("one flipped bit in each kind of blob is named by read and by doctor, and stops a pull", async (t) => {
  const { dataDirectory, catalogue, bundle, blobs } = await publishedBundle(t);
  const orphan = await catalogue.blobs.putBytes(new TextEncoder().encode("a shard of a dataset"));
  const server = await serve(t, dataDirectory);
  const sdk = connect(server.url);
  t.after(() => sdk.close());
  const out = join(dataDirectory, "..", "pulled");
  for (const [path, digest] of Object.entries({ ...blobs, "a blob of no bundle": orphan })) {
    const repair = await flipBit(catalogue.blobs.path(digest));
    await assert.rejects(
      catalogue.blobs.read(digest),
      { code: "damaged", message: new RegExp(digest) },
      path,
    );
    const { findings } = await catalogue.verifyAll();
    assert.deepEqual(
      findings.map((finding) => [finding.kind, finding.what, finding.digest]),
      [["damaged", "blob", digest]],
      path,
    );
    if (digest !== orphan) {
      await assert.rejects(pull(sdk, bundle.digest, out), { code: "damaged" }, path);
      assert.equal(existsSync(out), false, path);
    }
    await repair();
  }
  await pull(sdk, bundle.digest, out);

  for (const digest of Object.values(blobs)) await flipBit(catalogue.blobs.path(digest));
  const doctor = await driftline(["doctor", "--verify", "--data-dir", dataDirectory]);
  assert.equal(doctor.code, 5, doctor.stdout);
  for (const digest of Object.values(blobs)) assert.match(doctor.stdout, new RegExp(digest));
  for (const from of [
    ["--url", server.url],
    ["--data-dir", dataDirectory],
  ]) {
    const run = await driftline(["pull", bundle.digest, "--out", `${out}-again`, ...from]);
    assert.equal(run.code, 5, run.stderr);
    assert.match(run.stderr, new RegExp(bundle.digest.slice(0, 12)));
    assert.equal(existsSync(`${out}-again`), false);
  }
});

test("a file with a flipped bit is not handed out over HTTP: not whole, not in part, not in a tar", async (t) => {
  const { dataDirectory, catalogue, bundle, blobs } = await publishedBundle(t);
  const server = await serve(t, dataDirectory);
  const model = `${server.url}/v1/models/${bundle.digest}`;
  for (const [path, digest] of Object.entries(blobs)) {
    const intact = path === "bundle.json" ? bundle.manifest : bundle.files[path];
    assert.ok(same(await received(`${model}/files/${path}`), intact));
    // The last bit: all before it has been read, and perhaps sent, when the damage shows.
    const repair = await flipBit(catalogue.blobs.path(digest), intact.length * 8 - 1);
    await t.test(`${path}, whole`, async () => {
      assert.ok((await received(`${model}/files/${path}`)) === null);
    });
    await t.test(`${path}, the range with the damage`, async () => {
      assert.ok((await received(`${model}/files/${path}`, { range: "bytes=-1" })) === null);
    });
    await t.test(`${path}, in a tar`, async () => {
      assert.ok((await received(`${model}/bundle.tar`)) === null);
    });
    await repair();
  }
});

test("each byte of a manifest, changed: never served, named on read and by verification", async (t) => {
  const { dataDirectory, catalogue, bundle } = await publishedBundle(t);
  const server = await serve(t, dataDirectory);
  const model = `${server.url}/v1/models/${bundle.digest}`;
  const path = catalogue.blobs.path(bundle.digest);
  for (let i = 0; i < bundle.manifest.length; i++) {
    const repair = await flipBit(path, 8 * i + Math.floor(random() * 8));
    await assert.rejects(catalogue.manifest(bundle.digest), { code: "damaged" }, `byte ${i}`);
    await assert.rejects(catalogue.blobs.verify(bundle.digest), { code: "damaged" }, `byte ${i}`);
    const url = `${model}/${i % 2 ? "manifest" : "files/bundle.json"}`;
    assert.ok((await received(url)) === null, `byte ${i}`);
    await repair();
  }
  assert.ok(same(await received(`${model}/files/bundle.json`), bundle.manifest));
});
