// What a tar from a stranger can hold, one thing at a time: a bundle is stored, everything else is refused by name and leaves nothing.

import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { describe, it, type TestContext } from "node:test";
import { gzipSync } from "node:zlib";
import { type Header, pack } from "tar-stream";
import { ask, makeBundle, scratchCatalogue, type TestBundle } from "./testing.ts";

type Entry = Partial<Header> & { name: string; content?: Uint8Array };

const text = (content: string) => new TextEncoder().encode(content);
const bundle = makeBundle(ask());

function entriesOf({ manifest, files }: TestBundle): Entry[] {
  const entries = Object.entries(files).map(([name, content]) => ({ name, content }));
  return [{ name: "bundle.json", content: manifest }, ...entries];
}

function tarOf(entries: Entry[]): Promise<Buffer> {
  const tar = pack();
  for (const { content, ...header } of entries) {
    if (content) tar.entry(header, content);
    else tar.entry({ size: 0, ...header });
  }
  tar.finalize();
  return buffer(tar as unknown as Readable);
}

/** In pieces that fit no header. */
async function* pieces(bytes: Uint8Array, size = 700): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const limits = { bytes: 2 ** 20 };

/** Sets the 12 octal digits of an entry's size, and the checksum to match; `header` counts the tar's headers. */
function withSize(tar: Buffer, at: number, size: number): Buffer {
  const changed = Buffer.from(tar);
  changed.write(`${size.toString(8).padStart(11, "0")} `, at + 124, "latin1");
  return withChecksum(changed, at);
}

function withChecksum(tar: Buffer, at: number): Buffer {
  tar.fill(" ", at + 148, at + 156);
  const sum = tar.subarray(at, at + 512).reduce((total, byte) => total + byte, 0);
  tar.write(`${sum.toString(8).padStart(6, "0")}\0 `, at + 148, "latin1");
  return tar;
}

async function refused(
  t: TestContext,
  bytes: Uint8Array,
  message: RegExp,
  code = "invalid_bundle",
  bound = limits,
): Promise<void> {
  const catalogue = await scratchCatalogue(t);
  await assert.rejects(catalogue.receive(pieces(bytes), bound), (error: Error & { code?: string }) => {
    assert.equal(error.code, code, error.stack);
    assert.match(error.message, message);
    return true;
  });
  assert.deepEqual(await readdir(join(catalogue.dataDirectory, "blobs", "incoming")).catch(() => []), []);
  // What came before it was wrong is nobody's, and goes with the next collection.
  await catalogue.collectUnused(Date.now() + 60_000);
  assert.deepEqual(await catalogue.blobs.list(), []);
  assert.equal(await catalogue.count(), 0);
}

describe("a tar that is received", () => {
  it("is stored without a record of it, whatever the pieces it comes in", async (t) => {
    const catalogue = await scratchCatalogue(t);
    const tar = await tarOf(entriesOf(bundle));
    for (const size of [1, 511, 512, 100_000]) {
      const { digest } = await catalogue.receive(pieces(tar, size), limits);
      assert.equal(digest, bundle.digest);
    }
    assert.equal((await catalogue.blobs.list()).length, 1 + Object.keys(bundle.files).length);
    assert.deepEqual(Buffer.from(await catalogue.blobs.read(bundle.digest)), Buffer.from(bundle.manifest));
    assert.equal(await catalogue.count(), 0);
    // A job that is to judge it keeps it.
    const kept = await catalogue.collectUnused(Date.now() + 60_000, { candidates: [bundle.digest] });
    assert.equal(kept.removed, 0);
  });

  it("that GNU tar and its long names make is read too", async (t) => {
    const name = `${"deep/".repeat(25)}${"n".repeat(110)}`;
    const long = makeBundle(ask(), { files: { [name]: text("far down") } });
    const catalogue = await scratchCatalogue(t);
    const { digest } = await catalogue.receive(pieces(await tarOf(entriesOf(long))), limits);
    assert.equal(digest, long.digest);
  });

  const own = entriesOf(bundle);
  const odd: [what: string, entries: Entry[], says: RegExp][] = [
    [
      "a symbolic link",
      [own[0], { name: "card.md", type: "symlink", linkname: "/etc/passwd" }],
      /symbolic link/,
    ],
    ["a hard link", [own[0], { name: "card.md", type: "link", linkname: "bundle.json" }], /hard link/],
    ["a device", [own[0], { name: "card.md", type: "character-device" }], /character device/],
    ["a pipe", [own[0], { name: "card.md", type: "fifo" }], /it is a fifo/],
    ["a directory", [{ name: "./", type: "directory" }, ...own], /it is a directory/],
    ["an absolute name", [own[0], { name: "/etc/cron.d/x", content: text("x") }], /its name is absolute/],
    ["a name with ..", [own[0], { name: "../../x", content: text("x") }], /leads out of the bundle/],
    ["a name with .. in the middle", [own[0], { name: "a/../../x", content: text("x") }], /leads out/],
    ["a name with a backslash", [own[0], { name: "..\\x", content: text("x") }], /leads out/],
    ["a file twice", [...own, own[1]], /card\.md": it comes twice/],
    ["the manifest twice", [...own, own[0]], /bundle\.json": it comes twice/],
    ["a file that is not listed", [...own, { name: "more.bin", content: text("x") }], /does not list it/],
    ["no manifest in front", own.slice(1), /the first entry must be bundle\.json/],
    ["a file too few", own.slice(0, -1), /validation\.json": bundle\.json lists it, and it did not come/],
    ["other bytes", [...own.slice(0, -1), { name: "validation.json", content: text("[]") }], /SHA-256/],
    [
      "a shorter file",
      [...own.slice(0, -1), { name: "validation.json", content: text("{") }],
      /has 1 bytes; .* 2/,
    ],
    ["nothing", [], /it is empty/],
    [
      "a sparse file (PAX)",
      [own[0], { name: "card.md", content: text("x"), pax: { "GNU.sparse.major": "1" } }],
      /sparse/,
    ],
  ];
  for (const [what, entries, says] of odd) {
    it(`with ${what} is refused`, async (t) => refused(t, await tarOf(entries), says));
  }

  it("with a sparse file of old GNU tar is refused", async (t) => {
    const tar = await tarOf(own);
    const second = 512 + Math.ceil(bundle.manifest.length / 512) * 512;
    tar.write("S", second + 156, "latin1");
    await refused(t, withChecksum(tar, second), /thing of an unknown kind/);
  });

  it("with a size that lies is refused", async (t) => {
    const tar = await tarOf(own);
    const second = 512 + Math.ceil(bundle.manifest.length / 512) * 512;
    await refused(t, withSize(tar, 0, 2 ** 30), /too many for a manifest/);
    await refused(t, withSize(tar, 0, bundle.manifest.length + 1), /bundle\.json|JSON/);
    await refused(t, withSize(tar, second, 8 ** 11 - 1), /card\.md": it has 8589934591 bytes/);
    const negative = Buffer.from(tar);
    negative.fill(0xff, second + 124, second + 136);
    await refused(t, withChecksum(negative, second), /invalid_bundle|whole tar|bytes/i);
  });

  it("that lists too much is refused before it comes", async (t) => {
    const huge = makeBundle(ask(), { change: ({ files }) => Object.assign(files[0], { size: 2 ** 40 }) });
    await refused(t, await tarOf(entriesOf(huge).slice(0, 1)), /larger than 1 MiB/, "too_large");
    const many = makeBundle(ask(), {
      files: Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`file-${i}`, text(String(i))])),
    });
    await refused(t, await tarOf(entriesOf(many)), /lists 104 files, more than 64/);
    const negative = makeBundle(ask(), { change: ({ files }) => Object.assign(files[0], { size: -5 }) });
    await refused(t, await tarOf(entriesOf(negative)), /gives it -5 bytes/);
  });

  it("that goes on without end is refused at the bound, however it fills itself", async (t) => {
    const tar = await tarOf([...own, { name: "card.md2", content: new Uint8Array(2 ** 21) }]);
    await refused(t, tar, /does not list it/);
    const zeros = Buffer.concat([await tarOf(own), Buffer.alloc(2 ** 21)]);
    await refused(t, zeros, /larger than 1 MiB/, "too_large");
    // A header of names that is as long as a file.
    const names = await tarOf([own[0], { name: `${"x".repeat(3 * 2 ** 20)}é`, content: text("x") }]);
    await refused(t, names, /larger than 1 MiB/, "too_large");
  });

  it("that is compressed, cut or no tar at all is refused", async (t) => {
    const tar = await tarOf(own);
    await refused(t, gzipSync(tar), /it is compressed/);
    await refused(t, gzipSync(Buffer.alloc(2 ** 24)), /it is compressed/);
    await refused(t, tar.subarray(0, 700), /ends before it is whole/);
    await refused(t, tar.subarray(0, 1024 + 300), /ends before it is whole|JSON|did not come/);
    await refused(t, text("no tar ".repeat(500)), /what came is no whole tar/);
    await refused(t, new Uint8Array(0), /it is empty/);
  });

  it("that says of itself that it did not pass, or has another format, is refused", async (t) => {
    const failed = makeBundle(ask(), { change: ({ verdict }) => Object.assign(verdict, { passed: false }) });
    await refused(t, await tarOf(entriesOf(failed)), /did not pass validation/, "refused");
    const newer = makeBundle(ask(), {
      change: (manifest) => Object.assign(manifest, { scheme: "driftline-bundle/2" }),
    });
    await refused(t, await tarOf(entriesOf(newer)), /has the format driftline-bundle\/2/);
    const wrongKey = makeBundle(ask(), {
      change: (manifest) => Object.assign(manifest, { key: ask({ threshold: "2" }).key }),
    });
    await refused(t, await tarOf(entriesOf(wrongKey)), /its conditions and software give/);
  });

  it("whose sender goes away leaves nothing", async (t) => {
    const catalogue = await scratchCatalogue(t);
    const tar = await tarOf(own);
    async function* cut() {
      yield* pieces(tar.subarray(0, tar.length - 1500));
      throw Object.assign(new Error("aborted"), { code: "ECONNRESET" });
    }
    await assert.rejects(catalogue.receive(cut(), limits), { code: "invalid_bundle", message: /went away/ });
    assert.deepEqual(await readdir(join(catalogue.dataDirectory, "blobs", "incoming")), []);
    assert.equal(await catalogue.blobs.lastUse(bundle.digest), null, "the manifest is stored last");
  });
});
