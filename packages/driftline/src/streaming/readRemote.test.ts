// Responses from files on a server: the rows of the local file, with identities that come from its fingerprint.

import assert from "node:assert/strict";
import { once } from "node:events";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fingerprints, namedFiles } from "../lifecycle/dataFiles.ts";
import { fileDigest, rowIds } from "./identity.ts";
import { readResponses } from "./readResponses.ts";
import { openTable } from "./sources/open.ts";
import { collect, fixture, reading } from "./testdata.ts";

const path = fixture("responses.root");
const content = readFileSync(path);
const server = createServer((request, response) => {
  const [from, to] = /^bytes=(\d+)-(\d+)$/
    .exec(request.headers.range ?? "")!
    .slice(1)
    .map(Number);
  const range = `bytes ${from}-${to}/${content.length}`;
  response.writeHead(206, { "content-range": range, etag: '"1"' }).end(content.subarray(from, to + 1));
});
let url: string;
before(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/responses.root`;
});
after(() => server.close());

async function fingerprintOf(location: string): Promise<string> {
  const table = await openTable(location);
  return table.fingerprint().finally(() => table.close());
}

test("rows are those of the local file; identities come from the fingerprint", async () => {
  const local = await collect(readResponses(reading([path])));
  const reader = readResponses(reading([url]));
  const remote = await collect(reader);
  assert.deepEqual(remote.features, local.features);
  assert.deepEqual(remote.responses, local.responses);
  const fingerprint = await fingerprintOf(path);
  assert.deepEqual(remote.ids, rowIds(fingerprint, 0, 40));
  assert.deepEqual(local.ids, rowIds(await fileDigest(path), 0, 40));
  const { sha256, bytes, entries, ...file } = reader.counts.files[0];
  assert.deepEqual([sha256, bytes, entries], [null, content.length, 40]);
  assert.deepEqual(file, { path: url, fingerprint });
});

test("a file and its copy on a server are the same content", async () => {
  await assert.rejects(collect(readResponses(reading([path, url]))), {
    code: "invalid_data",
    message: /responses\.root and .*responses\.root have the same content/,
  });
});

test("a recipe knows a local file by its digest and a remote one by its fingerprint", async () => {
  const folder = mkdtempSync(join(tmpdir(), "driftline-remote-"));
  try {
    const copy = join(folder, "copy.root");
    copyFileSync(path, copy);
    const names = await namedFiles([join(folder, "*.root"), url]);
    assert.deepEqual(names, [copy, url]);
    const files = await fingerprints(names);
    const size = content.length;
    const expected = [
      { path: copy, identity: { sha256: await fileDigest(path), size } },
      { path: url, identity: { fingerprint: await fingerprintOf(path), size } },
    ];
    const byPath = (a: { path: string }, b: { path: string }) => (a.path < b.path ? -1 : 1);
    assert.deepEqual(files.sort(byPath), expected.sort(byPath));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
