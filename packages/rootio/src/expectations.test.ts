// Every branch and field of the reference files against what uproot reads from them, to the bit.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { type Column, lengthOf, openRootFile } from "./index.ts";

const data = process.env.DRIFTLINE_TEST_DATA ?? join(import.meta.dirname, "../../../../shared/data");
const folder = join(data, "root");
const skip = existsSync(folder) ? false : `no reference files at ${folder}`;

interface Leaf {
  path: string;
  dtype: string;
  values: number;
  sha256_le?: string;
  sha256_bytes?: string;
  bytes?: number;
  list_levels?: { lists: number; total: number; min: number; max: number }[];
}
interface BranchExpectation {
  name: string;
  count?: number;
  leaves?: Leaf[];
  first?: unknown[];
  error?: string;
}
interface Expectation {
  trees: {
    name: string;
    class: string;
    num_entries: number;
    branches?: BranchExpectation[];
    fields?: BranchExpectation[];
  }[];
}

/** The leaves of a column as the expectations have them. */
function leavesOf(column: Column, path = "", levels: Leaf["list_levels"] = []): Leaf[] {
  const digest = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
  const listed = levels.length > 0 ? { list_levels: levels } : {};
  switch (column.kind) {
    case "number": {
      const { values, type } = column;
      const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
      return [{ path, dtype: type, values: values.length, sha256_le: digest(bytes), ...listed }];
    }
    case "string": {
      const { length } = column.bytes;
      const values = lengthOf(column);
      return [
        { path, dtype: "string", values, bytes: length, sha256_bytes: digest(column.bytes), ...listed },
      ];
    }
    case "list":
    case "optional": {
      const lengths = Array.from(column.offsets.subarray(1), (end, i) => end - column.offsets[i]);
      const level = {
        lists: lengths.length,
        total: column.offsets.at(-1)!,
        min: lengths.reduce((a, b) => Math.min(a, b), lengths[0] ?? 0),
        max: lengths.reduce((a, b) => Math.max(a, b), 0),
      };
      return leavesOf(column.content, path, [...levels, level]);
    }
    case "record":
      if (column.fields.size === 0) return [{ path, dtype: "record without fields", values: column.length }];
      return [...column.fields].flatMap(([name, field]) =>
        leavesOf(field, path === "" ? name : `${path}.${name}`, levels),
      );
    case "union":
      return column.alternatives.flatMap((alternative, k) =>
        leavesOf(alternative, `${path}<${k + 1}>`, levels),
      );
  }
}

/** The first entries as the expectations have them: lists cut to five items. */
function plainEntry(column: Column, i: number): unknown {
  switch (column.kind) {
    case "number": {
      const value = column.values[i];
      if (column.type === "bool") return value === 1;
      if (typeof value === "bigint")
        return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
      return Number.isFinite(value) ? value : String(value);
    }
    case "string":
      return shortened(
        Buffer.from(column.bytes.subarray(column.offsets[i], column.offsets[i + 1])).toString(),
      );
    case "list":
    case "optional": {
      const [from, to] = [column.offsets[i], Math.min(column.offsets[i + 1], column.offsets[i] + 5)];
      return Array.from({ length: to - from }, (_, k) => plainEntry(column.content, from + k));
    }
    case "record": {
      const entries = [...column.fields].map(([name, field]) => [name, plainEntry(field, i)] as const);
      return entries.length === 0 || entries[0][0] === "_0"
        ? entries.map(([, v]) => v)
        : Object.fromEntries(entries);
    }
    case "union":
      return plainEntry(column.alternatives[column.tags[i] - 1], column.indices[i]);
  }
}

function shortened(text: string): unknown {
  return text.length > 200 ? { string_start: text.slice(0, 200), string_length: text.length } : text;
}

const files = skip ? [] : readdirSync(folder).filter((name) => name.endsWith(".root"));
for (const name of files)
  test(`${name}: every number is what uproot reads`, async (t) => {
    const expected: Expectation = JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8"));
    const file = await openRootFile(join(folder, name));
    assert.deepEqual(
      file.trees(),
      expected.trees.map((tree) => tree.name),
    );
    let compared = 0;
    const failures: string[] = [];
    for (const { name: treeName, num_entries, branches, fields } of expected.trees) {
      const tree = await file.tree(treeName);
      assert.equal(tree.entries, num_entries);
      for (const branch of branches ?? fields ?? []) {
        if (!branch.leaves) continue;
        compared++;
        try {
          const column = (await tree.read([branch.name]))[branch.name];
          assert.equal(lengthOf(column), branch.count, "entries");
          const found = leavesOf(column);
          const wanted = branch.leaves.filter((leaf) => leaf.dtype !== "empty");
          assert.equal(found.length, wanted.length, "number of leaves");
          found.forEach((leaf, i) => {
            const other = wanted[i];
            const path = other.path.replace(/(^|\.)(\d+)(?=\.|$)/g, "$1_$2");
            assert.deepEqual(leaf, { ...pick(other, Object.keys(leaf)), path });
          });
          const first = [0, 1, 2].slice(0, num_entries).map((i) => plainEntry(column, i));
          assert.deepEqual(first, branch.first);
        } catch (error) {
          failures.push(`${treeName} ${branch.name}: ${(error as Error).message.slice(0, 150)}`);
        }
      }
    }
    t.diagnostic(`${compared} branches`);
    assert.equal(
      failures.length,
      0,
      `${failures.length} of ${compared}:\n${failures.slice(0, 8).join("\n")}`,
    );
    await file.close();
  });

function pick(leaf: Leaf, keys: string[]): Partial<Leaf> {
  return Object.fromEntries(Object.entries(leaf).filter(([key]) => keys.includes(key)));
}

test("over HTTP the numbers are the same", { skip }, async (t) => {
  const server = createServer((request, response) => {
    const bytes = readFileSync(join(folder, request.url!));
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range!)!.map(Number);
    response.writeHead(206, { "content-range": `bytes ${from}-${to}/${bytes.length}` });
    response.end(bytes.subarray(from, to + 1));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  for (const [name, treeName] of [
    ["uproot-HZZ-lz4.root", "events"],
    ["ntpl001_staff_rntuple_v1-0-0-0.root", "Staff"],
  ]) {
    const [local, remote] = await Promise.all(
      [join(folder, name), `http://127.0.0.1:${port}/${name}`].map((location) => openRootFile(location)),
    );
    const all = (file: typeof local) => file.tree(treeName).then((tree) => tree.read(["**"]));
    assert.deepEqual(await all(remote), await all(local));
    await Promise.all([local.close(), remote.close()]);
  }
});

test("the reference files are there", { skip }, () => assert.ok(files.length >= 18));
