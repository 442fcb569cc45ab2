// What the tests of sources share: where real files are, files from text, whole tables as plain values.

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { itemOf } from "@driftline/rootio";
import { DriftlineError } from "../../errors/registry.ts";
import type { ReadRange, Table } from "./table.ts";

const repository = join(import.meta.dirname, "../../../../..");
const shared = process.env.DRIFTLINE_TEST_DATA ?? join(repository, "../shared/data");

/** A file of the shared data, and why its tests are skipped where it is absent. */
export function sharedFile(path: string): { path: string; skip: string | false } {
  const full = join(shared, path);
  return { path: full, skip: existsSync(full) ? false : `the file is absent: ${full}` };
}

export const fixture = (name: string) => join(import.meta.dirname, "../testdata", name);

/** A folder that goes away after the tests. */
export function scratch(): { folder: string; file: (name: string, content: string | Uint8Array) => string } {
  const folder = mkdtempSync(join(tmpdir(), "driftline-sources-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return {
    folder,
    file(name, content) {
      const path = join(folder, name);
      writeFileSync(path, content);
      return path;
    },
  };
}

/** All entries of the columns (all readable ones by default), as plain values, read in pieces of so many. */
export async function valuesOf(
  table: Table,
  options: { names?: string[]; entries?: number; range?: ReadRange } = {},
): Promise<Record<string, unknown[]>> {
  const readable = table.columns.filter(({ problem }) => problem === null).map(({ name }) => name);
  const { names = readable, entries = 1000, range } = options;
  const all: Record<string, unknown[]> = Object.fromEntries(names.map((name) => [name, []]));
  let next = range?.start ?? 0;
  for await (const chunk of table.chunks(names, entries, range)) {
    assert.equal(chunk.start, next, "chunks follow one another");
    assert.ok(chunk.entries > 0 && chunk.entries <= entries, `${chunk.entries} entries in a chunk`);
    next += chunk.entries;
    for (const name of names)
      for (let i = 0; i < chunk.entries; i++) all[name].push(itemOf(chunk.columns[name], i));
  }
  return all;
}

/** Asserts that this fails with `invalid_data`, a message like that, and a remedy. */
export async function invalid(work: Promise<unknown>, message: RegExp, field?: string): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof DriftlineError, `${error}`);
    assert.equal(error.code, "invalid_data");
    assert.match(error.message, message);
    assert.ok((error.remedy ?? "").length > 10);
    if (field !== undefined) assert.equal(error.field, field);
    return true;
  });
}
