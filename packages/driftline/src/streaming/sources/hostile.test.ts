// Files cut off and with flipped bytes: an error or data, never a crash, a hang or much memory. `npm run fuzz` does more.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { brotliCompressSync, gzipSync, zstdCompressSync } from "node:zlib";
import { DriftlineError } from "../../errors/registry.ts";
import { openTable } from "./open.ts";
import { fixture, scratch } from "./testdata.ts";

const rounds = Number(process.env.DRIFTLINE_FUZZ ?? 1);
const { file } = scratch();
const testdata = join(import.meta.dirname, "testdata");
const csv = `a,b,"c d"\n${Array.from({ length: 300 }, (_, i) => `${i},${i / 7},"x ""${i}"" y"`).join("\n")}\n`;
const json = Array.from({ length: 200 }, (_, i) => JSON.stringify({ i, s: `t${i}`, l: [i, [i]] })).join("\n");
const contents: Record<string, Uint8Array> = {
  "t.csv": Buffer.from(csv),
  "t.csv.gz": gzipSync(csv),
  "t.csv.zst": zstdCompressSync(csv),
  "t.csv.br": brotliCompressSync(csv),
  "r.jsonl": Buffer.from(json),
  "r.json": Buffer.from(`[${json.replaceAll("\n", ",")}]`),
  "responses.parquet": readFileSync(fixture("responses.parquet")),
};
for (const name of ["dictionary", "v2-lz4", "v1-gzip", "deltas"])
  contents[`${name}.parquet`] = readFileSync(join(testdata, `${name}.parquet`));
for (const name of ["uncompressed.feather", "lz4.feather", "zstd.feather", "stream.arrows"])
  contents[name] = readFileSync(join(testdata, name));

/** Numbers below 1, the same in every run: mulberry32. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Reads all that can be read. */
async function readAll(path: string): Promise<"read" | "refused"> {
  let table: Awaited<ReturnType<typeof openTable>> | null = null;
  try {
    table = await openTable(path);
    const names = table.columns.filter(({ problem }) => problem === null).map(({ name }) => name);
    // Column by column, so that one that is damaged does not hide the others.
    for (const name of names)
      try {
        for await (const _ of table.chunks([name], 1000));
      } catch (error) {
        if (!(error instanceof DriftlineError && error.code === "invalid_data")) throw error;
        return "refused";
      }
    return "read";
  } catch (error) {
    if (error instanceof DriftlineError && error.code === "invalid_data") return "refused";
    throw error;
  } finally {
    await table?.close();
  }
}

for (const [name, bytes] of Object.entries(contents))
  test(`${name}, cut at 5 places and with 20 flipped bytes (times ${rounds})`, async () => {
    const next = random(bytes.length);
    assert.equal(await readAll(file(name, bytes)), "read");
    const damaged: [string, Uint8Array][] = [];
    for (let i = 0; i < 5 * rounds; i++) {
      const length = Math.floor(next() * bytes.length);
      damaged.push([`cut at ${length}`, bytes.subarray(0, length)]);
    }
    for (let i = 0; i < 20 * rounds; i++) {
      const at = Math.floor(next() * bytes.length);
      const copy = Uint8Array.from(bytes);
      copy[at] ^= 1 + Math.floor(next() * 255);
      damaged.push([`byte ${at} is ${copy[at]}`, copy]);
    }
    let refused = 0;
    for (const [what, content] of damaged) {
      const started = performance.now();
      const before = process.memoryUsage().rss;
      const outcome = await readAll(file(name, content));
      if (outcome === "refused") refused++;
      else assert.ok(!what.startsWith("cut") || /^[tr]\.(csv|jsonl)$/.test(name), `${what} was read`);
      assert.ok(performance.now() - started < 5000, `${what} took ${performance.now() - started} ms`);
      assert.ok(process.memoryUsage().rss - before < 1e9, `${what} took too much memory`);
    }
    assert.ok(refused > 0);
  });
