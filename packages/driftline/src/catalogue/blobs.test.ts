// The blob store: content kept by digest, damage of any byte named, and writers killed at any moment.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { chmod, readdir, readFile, rm, stat, truncate, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { type BlobStore, blobStore } from "./blobs.ts";
import { inChild, nextLine, scratchDirectory } from "./testing.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const digestOf = (content: Uint8Array) => createHash("sha256").update(content).digest("hex");

async function scratchStore(t: TestContext): Promise<{ directory: string; blobs: BlobStore }> {
  const directory = await scratchDirectory(t);
  return { directory, blobs: blobStore(directory) };
}

async function contentOf(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Replaces a blob's bytes behind the store's back. */
async function tamper(blobs: BlobStore, digest: string, content: Uint8Array): Promise<void> {
  await chmod(blobs.path(digest), 0o644);
  await writeFile(blobs.path(digest), content);
}

test("bytes, a stream and a file with the same content become one blob under its SHA-256", async (t) => {
  const { directory, blobs } = await scratchStore(t);
  // Digest of "abc": FIPS 180-2, appendix B.1.
  const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  const file = join(directory, "abc");
  await writeFile(file, "abc");
  assert.equal(await blobs.putBytes(bytes("abc")), abc);
  assert.equal(await blobs.putStream([bytes("a"), bytes(""), bytes("bc")]), abc);
  assert.equal(await blobs.putFile(file), abc);
  assert.equal(blobs.path(abc), join(directory, "blobs", "sha256", "ba", abc));
  assert.deepEqual(await blobs.list(), [abc]);
  assert.equal(await blobs.size(abc), 3);
  assert.equal((await stat(blobs.path(abc))).mode & 0o777, 0o444);
  assert.deepEqual(await readdir(join(directory, "blobs", "incoming")), []);
});

test("any content comes back, whole and by ranges with both ends included", async (t) => {
  const { blobs } = await scratchStore(t);
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ minLength: 1, maxLength: 2000 }),
      fc.nat(),
      fc.nat(),
      async (content, a, b) => {
        const digest = await blobs.putBytes(content);
        assert.equal(digest, digestOf(content));
        assert.deepEqual(Buffer.from(await blobs.read(digest)), Buffer.from(content));
        const [start, end] = [a % content.length, b % content.length].sort((x, y) => x - y);
        const range = await contentOf(await blobs.open(digest, { start, end }));
        assert.deepEqual(range, Buffer.from(content.subarray(start, end + 1)));
      },
    ),
    { seed: 1, numRuns: 50 },
  );
});

test("content that is there is kept: putting it again only notes that it is in use", async (t) => {
  const { blobs } = await scratchStore(t);
  const digest = await blobs.putBytes(bytes("abc"));
  await utimes(blobs.path(digest), 0, 0);
  const before = await stat(blobs.path(digest));
  await blobs.putBytes(bytes("abc"));
  const after = await stat(blobs.path(digest));
  assert.equal(after.ino, before.ino);
  assert.ok(Date.now() - after.mtimeMs < 60_000);
});

test("content that is not what was declared gets no name", async (t) => {
  const { directory, blobs } = await scratchStore(t);
  const sha256 = digestOf(bytes("abc"));
  await assert.rejects(blobs.putBytes(bytes("abd"), { sha256, size: 3 }), { code: "invalid_bundle" });
  await assert.rejects(blobs.putBytes(bytes("abc"), { sha256, size: 4 }), { code: "invalid_bundle" });
  assert.deepEqual(await blobs.list(), []);
  assert.deepEqual(await readdir(join(directory, "blobs", "incoming")), []);
});

test("a flip of any byte, a cut and an added byte are named on every whole read", async (t) => {
  const { blobs } = await scratchStore(t);
  const content = bytes("forty-two bytes that must stay as they are");
  const digest = await blobs.putBytes(content);
  const flipped = [...content.keys()].map((i) => content.with(i, content[i] ^ 1));
  for (const changed of [
    ...flipped,
    content.subarray(1),
    content.subarray(0, -1),
    bytes(""),
    Buffer.concat([content, bytes("x")]),
  ]) {
    await tamper(blobs, digest, changed);
    const expected = (error: { code?: string; message: string }) =>
      error.code === "damaged" &&
      error.message.includes(digest) &&
      error.message.includes(blobs.path(digest));
    await assert.rejects(blobs.read(digest), expected);
    await assert.rejects(blobs.verify(digest), expected);
    await assert.rejects(contentOf(await blobs.open(digest)), expected);
  }
  await rm(blobs.path(digest));
  await assert.rejects(blobs.read(digest), { code: "damaged", message: /is missing/ });
  await assert.rejects(blobs.open(digest), { code: "damaged", message: /is missing/ });
});

test("putting good content again replaces a damaged blob and keeps the damaged bytes aside", async (t) => {
  const { directory, blobs } = await scratchStore(t);
  const digest = await blobs.putBytes(bytes("abc"));
  await tamper(blobs, digest, bytes("abd"));
  await blobs.putBytes(bytes("abc"));
  assert.equal(await blobs.verify(digest), 3);
  const [aside] = await readdir(join(directory, "blobs", "damaged"));
  assert.equal(await readFile(join(directory, "blobs", "damaged", aside), "utf8"), "abd");
});

test("a name that is no digest is refused before it becomes a path", async (t) => {
  const { blobs } = await scratchStore(t);
  for (const name of ["../../etc/passwd", "", "A".repeat(64), `${"a".repeat(64)}/x`]) {
    await assert.rejects(async () => blobs.open(name), { code: "usage" });
  }
});

test("a writer killed in the middle of a blob leaves nothing under its name, and its remains are cleaned", async (t) => {
  const { directory, blobs } = await scratchStore(t);
  const child = inChild(
    t,
    directory,
    `async function* chunks() {
       yield new Uint8Array(1 << 20).fill(7);
       console.log("written");
       await new Promise(() => setInterval(() => {}, 1000));
     }
     await c.blobStore(directory).putStream(chunks());`,
  );
  assert.equal(await nextLine(child), "written");
  child.kill("SIGKILL");
  assert.deepEqual(await blobs.list(), []);
  const incoming = join(directory, "blobs", "incoming");
  const [left] = await readdir(incoming);
  assert.ok(left, "the killed writer's file is there");
  await truncate(join(incoming, left), 10);
  await blobs.clean();
  assert.deepEqual(await readdir(incoming), [left], "it could belong to a writer at work");
  const yesterday = Date.now() / 1000 - 25 * 3600;
  await utimes(join(incoming, left), yesterday, yesterday);
  await blobs.clean();
  assert.deepEqual(await readdir(incoming), []);
});

test("writers killed at random moments leave whole blobs only", async (t) => {
  const { directory, blobs } = await scratchStore(t);
  for (const delayMs of [3, 17, 40, 71]) {
    const child = inChild(
      t,
      directory,
      `const blobs = c.blobStore(directory);
       for (let i = 0; ; i++) {
         const content = new Uint8Array(200_000).fill(i);
         new DataView(content.buffer).setFloat64(0, Math.random());
         await blobs.putBytes(content);
         if (i === 0) console.log("stored");
       }`,
    );
    await nextLine(child);
    await sleep(delayMs);
    child.kill("SIGKILL");
  }
  const digests = await blobs.list();
  assert.ok(digests.length >= 4, `only ${digests.length} blobs were written`);
  for (const digest of digests) assert.equal(await blobs.verify(digest), 200_000);
});
