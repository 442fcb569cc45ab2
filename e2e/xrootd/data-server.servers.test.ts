// A plain data server: files, vector reads, lists, checksums, errors, and a server that dies while it is read.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createClient, type RemoteFile, XrootdError } from "@driftline/xrootd";
import { missingXrootd, startXrootd, type XrootdServer } from "../servers/xrootd.ts";
import { sharedData } from "../support.ts";

const skip = missingXrootd() ?? false;
let server: XrootdServer;
let at: string;
const client = createClient({ timeoutMs: 5000 });
const megabyte = 1024 * 1024;
const large = randomBytes(48 * megabyte);

before(async () => {
  if (skip) return;
  server = await startXrootd({ lines: ["xrootd.chksum max 2 adler32 md5"] });
  at = `root://localhost:${server.port}//data`;
  writeFileSync(join(server.folder, "data/large"), large);
});
after(async () => {
  client.close();
  await server?.stop();
});

/** Ranges of all lengths, some empty, some overlapping, from a multiplicative generator with a fixed seed. */
function someRanges(size: number, count: number, longest: number) {
  let state = 12345;
  const next = (below: number) => {
    state = (state * 48271) % 2147483647;
    return below === 0 ? 0 : state % below;
  };
  return Array.from({ length: count }, () => {
    const position = next(size);
    return { position, length: Math.min(size - position, next(longest)) };
  });
}

function assertRanges(parts: Uint8Array[], ranges: { position: number; length: number }[], whole: Buffer) {
  assert.equal(parts.length, ranges.length);
  ranges.forEach(({ position, length }, i) => {
    assert.ok(whole.subarray(position, position + length).equals(parts[i]), `${length} bytes at ${position}`);
  });
}

const rootFiles = join(sharedData, "root");
const noFiles = existsSync(rootFiles) ? false : `no files of experiments in ${rootFiles}`;

test("experiments' files come as they lie on disk", { skip: skip || noFiles }, async () => {
  const names = readdirSync(rootFiles).filter((name) => name.endsWith(".root"));
  assert.ok(names.length > 10);
  for (const name of names) {
    const whole = readFileSync(join(rootFiles, name));
    copyFileSync(join(rootFiles, name), join(server.folder, "data", name));
    const file = await client.open(`${at}/${name}`);
    assert.equal(file.size, whole.length);
    const ranges = [{ position: 0, length: file.size }, ...someRanges(file.size, 1500, 3000)];
    assertRanges(await file.read(ranges), ranges, whole);
    await file.close();
  }
});

test("ranges beyond the limits of one request are split and joined", { skip }, async () => {
  const file = await client.open(`${at}/large`);
  const ranges = [
    { position: 0, length: file.size },
    ...someRanges(file.size, 3000, 2000),
    ...someRanges(file.size, 30, 5 * megabyte),
    { position: file.size, length: 0 },
    { position: 7, length: 2_097_137 },
  ];
  assertRanges(await file.read(ranges), ranges, large);
  assert.deepEqual(await file.read([]), []);
  await file.close();
});

test("many reads at once share a connection", { skip }, async () => {
  const file = await client.open(`${at}/large`);
  const ranges = someRanges(file.size, 400, 200_000);
  const parts = await Promise.all(ranges.map((range) => file.read([range])));
  assertRanges(parts.flat(), ranges, large);
  await file.close();
});

test("stat and list say what is there", { skip }, async () => {
  const { size, mtimeMs } = statSync(join(server.folder, "data/large"));
  const stat = await client.stat(`${at}/large`);
  assert.deepEqual(
    [stat.size, stat.mtime, stat.isDirectory, stat.isReadable],
    [size, Math.floor(mtimeMs / 1000), false, true],
  );
  assert.equal((await client.stat(at)).isDirectory, true);
  const entries = await client.list(at);
  assert.deepEqual(
    entries.map(({ name, size }) => [name, size]),
    readdirSync(join(server.folder, "data"))
      .sort()
      .map((name) => [name, statSync(join(server.folder, "data", name)).size]),
  );
});

test("the checksum is that of the bytes", { skip }, async () => {
  const bytes = large.subarray(0, 1_000_003);
  writeFileSync(join(server.folder, "data/summed"), bytes);
  assert.deepEqual(await client.checksum(`${at}/summed`, { algorithm: "md5" }), {
    algorithm: "md5",
    value: createHash("md5").update(bytes).digest("hex"),
  });
  // Adler-32 by its definition in RFC 1950: two sums modulo 65521.
  let [a, b] = [1, 0];
  for (const byte of bytes) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  const value = (b * 65536 + a).toString(16).padStart(8, "0");
  assert.deepEqual(await client.checksum(`${at}/summed`), { algorithm: "adler32", value });
});

function rejection(promise: Promise<unknown>): Promise<XrootdError> {
  return promise.then(
    () => assert.fail("it should have failed"),
    (error: unknown) => {
      assert.ok(error instanceof XrootdError, String(error));
      return error;
    },
  );
}

test("errors name address, operation, the server's code and the remedy", { skip }, async () => {
  const missing = await rejection(client.open(`${at}/none?authz=secret`));
  assert.deepEqual([missing.kind, missing.serverCode, missing.operation], ["not_found", 3011, "open"]);
  assert.equal(
    missing.message,
    `${at}/none?authz=… (at localhost:${server.port}): open: the server refused with code 3011 (NotFound): ` +
      "Unable to open /data/none; no such file or directory. List the folder to see what is there; a path begins with " +
      "two slashes: root://host//path.",
  );
  assert.equal((await rejection(client.open(at))).serverCode, 3016);
  assert.equal((await rejection(client.list(`${at}/none`))).kind, "not_found");
  assert.equal((await rejection(client.checksum(`${at}/large`, { algorithm: "sha9" }))).kind, "server");
  assert.equal((await rejection(client.open(`root://localhost:${server.port}//etc/passwd`))).kind, "denied");
  const file = await client.open(`${at}/large`);
  assert.equal((await rejection(file.read([{ position: file.size - 1, length: 2 }]))).kind, "invalid");
  await file.close();
  assert.equal((await rejection(file.read([{ position: 0, length: 1 }]))).kind, "invalid");
});

test("a signal ends a read, and what follows on the connection is right", { skip }, async () => {
  const file = await client.open(`${at}/large`);
  const reason = new Error("enough");
  const stop = new AbortController();
  const reading = file.read([{ position: 0, length: file.size }], { signal: stop.signal });
  stop.abort(reason);
  await assert.rejects(reading, (error) => error === reason);
  const ranges = someRanges(file.size, 100, 100_000);
  assertRanges(await file.read(ranges), ranges, large);
  await file.close();
});

/** Reads the file in windows and lets `meanwhile` run after the third of them. */
async function readThrough(file: RemoteFile, meanwhile: () => Promise<void>): Promise<Buffer> {
  const windows: Uint8Array[] = [];
  let done: Promise<void> | undefined;
  for (let position = 0; position < file.size; position += megabyte) {
    const reading = file.read([{ position, length: Math.min(megabyte, file.size - position) }]);
    if (windows.length === 3) done = meanwhile();
    windows.push(...(await reading));
  }
  await done;
  return Buffer.concat(windows);
}

test("a read goes on when the server was killed and came back", { skip }, async () => {
  const file = await client.open(`${at}/large`);
  const bytes = await readThrough(file, async () => {
    await server.kill();
    await server.restart();
  });
  assert.ok(bytes.equals(large));
  // And with everything on its way at once.
  const all = file.read(someRanges(file.size, 200, megabyte));
  await server.kill();
  await server.restart();
  assertRanges(await all, someRanges(file.size, 200, megabyte), large);
  await file.close();
});

test("a file that changed while the server was away is an error", { skip }, async () => {
  const path = join(server.folder, "data/replaced");
  for (const change of ["size", "time"]) {
    writeFileSync(path, large.subarray(0, 8 * megabyte));
    const file = await client.open(`${at}/replaced`);
    const reading = readThrough(file, async () => {
      await server.kill();
      writeFileSync(path, large.subarray(megabyte, change === "size" ? 8 * megabyte : 9 * megabyte));
      utimesSync(path, file.mtime, change === "size" ? file.mtime : file.mtime + 1);
      await server.restart();
    });
    const error = await rejection(reading);
    assert.equal(error.kind, "changed");
    assert.match(error.message, /the file changed while it was read: 8388608 bytes of .* before, /);
    assert.equal((await rejection(file.read([{ position: 0, length: 1 }]))).kind, "changed");
    await file.close();
  }
});

test("a server that stays away ends in a clear error", { skip }, async () => {
  const short = createClient({ retries: 1, timeoutMs: 2000 });
  const file = await short.open(`${at}/large`);
  await server.kill();
  const error = await rejection(file.read([{ position: 0, length: 10 }]));
  assert.equal(error.kind, "unreachable");
  assert.match(error.message, /ECONNREFUSED.*\(tried 2 times\)\. Check that the host and port are right/);
  await server.restart();
  assert.ok(large.subarray(0, 10).equals((await file.read([{ position: 0, length: 10 }]))[0]));
  await file.close();
  short.close();
});
