// Tables over root://: columns equal to the local ones to the bit, globs by what the server lists, a token, a failure.

import assert from "node:assert/strict";
import { copyFileSync } from "node:fs";
import { basename, join } from "node:path";
import { after, before, test } from "node:test";
import type { Column } from "@driftline/rootio";
import { findFiles } from "../../packages/driftline/src/streaming/sources/locations.ts";
import { openTable } from "../../packages/driftline/src/streaming/sources/open.ts";
import { openTables } from "../../packages/driftline/src/streaming/sources/openMany.ts";
import { missingXrootd, startXrootd, type XrootdServer } from "../servers/xrootd.ts";

const skip = missingXrootd() ?? false;
const streaming = join(import.meta.dirname, "../../packages/driftline/src/streaming");
const paths = [
  join(streaming, "testdata/responses.root"),
  join(streaming, "testdata/responses.parquet"),
  join(streaming, "sources/testdata/dictionary.parquet"),
  join(streaming, "sources/testdata/lz4.feather"),
];
let server: XrootdServer;
let at: string;

before(async () => {
  if (skip) return;
  server = await startXrootd();
  at = `root://localhost:${server.port}//data`;
  for (const path of paths) copyFileSync(path, join(server.folder, "data", basename(path)));
});
after(() => server?.stop());

async function columnsOf(location: string): Promise<Record<string, Column[]>> {
  const table = await openTable(location);
  const names = table.columns.filter(({ problem }) => problem === null).map(({ name }) => name);
  const columns: Record<string, Column[]> = Object.fromEntries(names.map((name) => [name, []]));
  for await (const chunk of table.chunks(names, 16))
    for (const name of names) columns[name].push(chunk.columns[name]);
  await table.close();
  return columns;
}

for (const path of paths)
  test(`${basename(path)} is the local one`, { skip }, async () => {
    const [local, remote] = [await columnsOf(path), await columnsOf(`${at}/${basename(path)}`)];
    assert.ok(Object.keys(local).length > 5);
    assert.deepEqual(remote, local);
    const tables = [await openTable(path), await openTable(`${at}/${basename(path)}`)];
    const [here, there] = await Promise.all(tables.map((table) => table.fingerprint()));
    assert.equal(there, here);
    await Promise.all(tables.map((table) => table.close()));
  });

test("a glob stands for what the server lists, and many files are one table", { skip }, async () => {
  const found = await findFiles([`${at}/resp*`]);
  assert.deepEqual(found, [`${at}/responses.parquet`, `${at}/responses.root`]);
  const many = await openTables(found, { tree: "responses" });
  assert.equal(many.entries, 80);
  let entries = 0;
  for await (const chunk of many.chunks(["pt"], 100)) entries += chunk.entries;
  assert.equal(entries, 80);
  await many.close();
  await assert.rejects(findFiles([`${at}/none*.root`]), /holds nothing that matches none\*\.root/);
});

test("a file that is not there is named with its server", { skip }, async () => {
  await assert.rejects(openTable(`${at}/none.root`), (error: Error & { code?: string }) => {
    assert.equal(error.code, "invalid_data");
    assert.match(error.message, /none\.root: .*3011.*localhost/s);
    return true;
  });
});
