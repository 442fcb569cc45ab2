// The same tables over HTTP: equal to the local ones, fingerprints too; tokens, failures and aborts as a user meets them.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { gzipSync } from "node:zlib";
import { withoutSecrets } from "./address.ts";
import { openTable } from "./open.ts";
import { openTables } from "./openMany.ts";
import { fixture, invalid, scratch, valuesOf } from "./testdata.ts";

const { file } = scratch();
const testdata = join(import.meta.dirname, "testdata");
const text = `x,y\n${Array.from({ length: 2000 }, (_, i) => `${i},${i / 3}`).join("\n")}\n`;
const records = Array.from({ length: 2000 }, (_, i) => JSON.stringify({ i, l: [i, i / 3] })).join("\n");
const paths = [
  fixture("responses.root"),
  join(testdata, "dictionary.parquet"),
  join(testdata, "zstd.feather"),
  join(testdata, "stream.arrows"),
  file("t.csv", text),
  file("t.csv.gz", gzipSync(text)),
  file("r.jsonl", records),
];
const contents = new Map(paths.map((path) => [`/${basename(path)}`, readFileSync(path)]));

let requests: IncomingMessage[] = [];
/** What a request gets in place of bytes; null for bytes. */
let refusal: ((request: IncomingMessage) => number | null) | null = null;
const server = createServer((request, response) => {
  requests.push(request);
  const status = refusal?.(request) ?? null;
  const content = contents.get(new URL(request.url!, "http://h").pathname);
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
  if (status !== null || !content || from === undefined) {
    response.writeHead(status ?? (content ? 200 : 404)).end();
    return;
  }
  const part = content.subarray(Number(from), Number(to) + 1);
  const range = `bytes ${from}-${Number(from) + part.length - 1}/${content.length}`;
  response.writeHead(206, { "content-range": range, etag: '"1"' }).end(part);
});
let at: string;
before(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  requests = [];
  refusal = null;
});
after(() => server.close());

for (const path of paths)
  test(`${basename(path)} over HTTP is the local one`, async () => {
    const [local, remote] = [await openTable(path), await openTable(`${at}/${basename(path)}`)];
    assert.equal(remote.location, `${at}/${basename(path)}`);
    assert.deepEqual(remote.columns, local.columns);
    assert.equal(remote.entries, local.entries);
    assert.equal(await remote.fingerprint(), await local.fingerprint());
    assert.deepEqual(await valuesOf(remote, { entries: 17 }), await valuesOf(local, { entries: 17 }));
    await Promise.all([local.close(), remote.close()]);
  });

test("of a Parquet file only the columns asked are fetched", async () => {
  const table = await openTable(`${at}/dictionary.parquet`);
  requests = [];
  await valuesOf(table, { names: ["int32"] });
  // Three row groups of one column.
  assert.equal(requests.length, 3);
  await table.close();
});

test("a token goes to this machine over plain HTTP", async () => {
  const table = await openTable(`${at}/t.csv`, { token: "secret" });
  assert.ok(requests.every(({ headers }) => headers.authorization === "Bearer secret"));
  await table.close();
  refusal = ({ headers }) => (headers.authorization ? null : 401);
  await invalid(
    openTable(`${at}/t.csv`),
    /answers 401 .*a token may be missing or expired \(asked 127\.0\.0\.1:\d+/,
  );
});

test("tokens in addresses are in no message and no record", async () => {
  const table = await openTable(`${at}/t.csv?authz=hush&x=1`);
  assert.equal(table.location, `${at}/t.csv?authz=…&x=1`);
  await table.close();
  const places = ["none.csv?access_token=hush", "none.csv?a=b&X-Amz-Signature=hush"];
  for (const place of places)
    await assert.rejects(openTable(`${at}/${place}`), (error: Error) => {
      assert.match(error.message, /none\.csv\?.*=…/);
      assert.doesNotMatch(`${error.message} ${error.stack}`, /hush/);
      return true;
    });
  assert.equal(withoutSecrets("root://me:hush@h//a?authz=hush"), "root://me:…@h//a?authz=…");
  assert.equal(withoutSecrets("/data/a?token=b"), "/data/a?token=b");
});

test("failures name the host and what was wrong", async () => {
  await invalid(
    openTable(`${at}/none.root`),
    /none\.root: the server answers 404 .* \(asked 127\.0\.0\.1:\d+/,
  );
  await invalid(openTable("s3://bucket/x"), /nothing here reads s3/);
  await invalid(openTables([`${at}/t.csv`, `${at}/none.csv`]), /none\.csv: the server answers 404/);
});

test("an abort ends a read with its reason, and closes the file", async () => {
  const controller = new AbortController();
  const table = await openTable(`${at}/t.csv`, { signal: controller.signal });
  const reason = new Error("enough");
  const read = (async () => {
    for await (const _ of table.chunks(["x"], 10)) controller.abort(reason);
  })();
  await assert.rejects(read, reason);
  await assert.rejects(openTable(`${at}/t.csv`, { signal: controller.signal }), reason);
  await table.close();
});
