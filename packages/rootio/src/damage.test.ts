// The reference files truncated and with bytes changed: an error or the numbers as they were, in bounded time and memory.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Column, memorySource, openRootFile, RootError } from "./index.ts";

const data = process.env.DRIFTLINE_TEST_DATA ?? join(import.meta.dirname, "../../../../shared/data");
const folder = join(data, "root");
const skip = existsSync(folder) ? false : `no reference files at ${folder}`;

/** 1 is a tenth of what the issue asks for, and takes seconds; 100 is ten times that. */
const effort = Number(process.env.DRIFTLINE_FUZZ ?? 1);
/** Of processor time, which other work on the machine does not lengthen. */
const slowestMs = 5000;
/** Branches read of each tree: enough to meet every kind of it. */
const branchesRead = effort > 1 ? 60 : 12;

/** Deterministic positions and bytes (the generator of Numerical Recipes). */
function generator(seed: number) {
  let state = seed >>> 0;
  return (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function digest(column: Column, hash: ReturnType<typeof createHash>): void {
  const add = (array: ArrayBufferView) => {
    hash.update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  };
  hash.update(column.kind);
  switch (column.kind) {
    case "number":
      add(column.values);
      return;
    case "string":
      add(column.offsets);
      add(column.bytes);
      return;
    case "record":
      for (const field of column.fields.values()) digest(field, hash);
      return;
    case "union":
      add(column.tags);
      for (const alternative of column.alternatives) digest(alternative, hash);
      return;
    default:
      add(column.offsets);
      digest(column.content, hash);
  }
}

/** What a file gives: by tree and branch the digest of its numbers, or the kind of the error. */
async function contentOf(bytes: Uint8Array): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const attempt = async <T>(key: string, work: () => Promise<T>): Promise<T | null> => {
    try {
      return await work();
    } catch (error) {
      assert.ok(error instanceof RootError, `${key}: ${(error as Error).stack}`);
      assert.match(error.message, /^file: /);
      found.set(key, `error ${error.kind}`);
      return null;
    }
  };
  const file = await attempt("file", () => openRootFile(memorySource(bytes, "file"), { maxBytes: 2 ** 28 }));
  for (const name of file?.trees() ?? []) {
    const tree = await attempt(name, () => file!.tree(name));
    if (!tree) continue;
    const readable = tree.branches.filter((branch) => branch.problem === null);
    const step = Math.max(1, Math.floor(readable.length / branchesRead));
    for (const { name: branch } of readable.filter((_, i) => i % step === 0)) {
      const key = `${name}\n${branch}`;
      const columns = await attempt(key, () => tree.read([branch]));
      if (!columns) continue;
      const hash = createHash("sha256");
      digest(columns[branch], hash);
      found.set(key, hash.digest("hex"));
    }
  }
  return found;
}

/**
 * Parts of a file without any checksum: the content of keys that is not compressed, or by Zstandard as ROOT uses it.
 * The blocks of an RNTuple have checksums of their own.
 */
function unguardedParts(bytes: Uint8Array): { from: number; to: number }[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: { from: number; to: number }[] = [];
  for (let at = view.getUint32(8); at + 40 < bytes.length; ) {
    const size = Math.abs(view.getInt32(at));
    const from = at + view.getInt16(at + 14);
    const name = at + (view.getInt16(at + 4) > 1000 ? 34 : 26);
    const className = Buffer.from(bytes.subarray(name + 1, name + 1 + bytes[name])).toString("latin1");
    const compressed = view.getInt32(at + 6) !== at + size - from;
    const isZstd = compressed && bytes[from] === 0x5a && bytes[from + 1] === 0x53;
    if ((!compressed || isZstd) && className !== "RBlob") parts.push({ from, to: at + size });
    at += Math.max(size, 1);
  }
  return parts;
}

const files = skip ? [] : readdirSync(folder).filter((name) => name.endsWith(".root"));
for (const name of files) {
  test(`${name}, damaged`, async (t) => {
    const bytes = new Uint8Array(readFileSync(join(folder, name)));
    const intact = await contentOf(bytes);
    const unguarded = unguardedParts(bytes);
    const wrong: string[] = [];
    const outcomes: Record<string, number> = {};
    let slowest = 0;
    const attempt = async (altered: Uint8Array, at: number | null) => {
      const before = process.cpuUsage();
      const found = await contentOf(altered);
      const { user, system } = process.cpuUsage(before);
      slowest = Math.max(slowest, (user + system) / 1000);
      let outcome = "as it was";
      for (const [key, value] of found)
        if (value.startsWith("error")) outcome = "error";
        else if (intact.has(key) && intact.get(key) !== value) {
          outcome = "other numbers";
          if (at === null || !unguarded.some(({ from, to }) => at >= from && at < to))
            wrong.push(`byte ${at}: ${key.replace("\n", " ")}`);
          break;
        }
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    };
    const random = generator(files.indexOf(name) + 1);
    const scale = name.includes("physlite") && effort === 1 ? 0.2 : 1;
    for (let i = 0; i < 5 * effort * scale; i++) {
      const length = random(bytes.length);
      await attempt(bytes.subarray(0, length), null);
    }
    const cut = outcomes["as it was"];
    for (let i = 0; i < 20 * effort * scale; i++) {
      const altered = bytes.slice();
      const at = random(bytes.length);
      altered[at] ^= 1 + random(255);
      await attempt(altered, at);
    }
    t.diagnostic(`${JSON.stringify(outcomes)}, slowest ${slowest.toFixed(0)} ms`);
    assert.equal(cut, undefined, "a truncated file reads");
    assert.ok(slowest < slowestMs, `${slowest} ms`);
    assert.deepEqual(wrong, []);
  });
}

test("memory stayed bounded", { skip }, () => {
  assert.ok(process.resourceUsage().maxRSS < 1024 * 1024, `${process.resourceUsage().maxRSS} KiB`);
});
