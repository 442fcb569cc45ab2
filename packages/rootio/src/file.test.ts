// Entry ranges, globs, errors, and what damaged files do.

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type Column, openRootFile, RootError, type Values } from "./index.ts";

const data = process.env.DRIFTLINE_TEST_DATA ?? join(import.meta.dirname, "../../../../shared/data");
const skip = existsSync(data) ? false : `no reference files at ${data}`;
const tpc = join(data, "tpc/mpd-tpc-v4.root");
const scratch = mkdtempSync(join(tmpdir(), "driftline-rootio-"));
after(() => rmSync(scratch, { recursive: true }));

/** A column of numbers, or of lists of them. */
function flat(column: Column): { values: Values; offsets: Int32Array | null } {
  if (column.kind === "number") return { values: column.values, offsets: null };
  if (column.kind !== "list" || column.content.kind !== "number") throw new TypeError(column.kind);
  return { values: column.content.values, offsets: column.offsets };
}

test("ranges of entries joined give the whole, whatever the cuts", { skip }, async () => {
  const file = await openRootFile(tpc);
  const tree = await file.tree("responses");
  const whole = await tree.read(["amp", "pt"]);
  const cuts = [0, 1, 999, 1000, 1001, 2500, 4000, 4000, 4999, 5000];
  const amp: number[] = [];
  const pt: number[] = [];
  const lengths: number[] = [];
  for (let i = 1; i < cuts.length; i++) {
    const part = await tree.read(["amp", "pt"], { start: cuts[i - 1], stop: cuts[i] });
    const { values, offsets } = flat(part.amp);
    assert.equal(offsets!.length, cuts[i] - cuts[i - 1] + 1);
    assert.equal(offsets![0], 0);
    assert.equal(offsets!.at(-1), values.length);
    amp.push(...(values as Float32Array));
    pt.push(...(flat(part.pt).values as Float64Array));
    for (let e = 1; e < offsets!.length; e++) lengths.push(offsets![e] - offsets![e - 1]);
  }
  const { values, offsets } = flat(whole.amp);
  assert.deepEqual(Float32Array.from(amp), values);
  assert.deepEqual(Float64Array.from(pt), flat(whole.pt).values);
  assert.deepEqual(
    lengths,
    Array.from(offsets!.slice(1), (end, i) => end - offsets![i]),
  );
  await assert.rejects(
    tree.read(["amp"], { stop: 5001 }),
    /entries 0 to 5001 of tree "responses", which has 5000/,
  );
  await file.close();
});

test("errors name the file, the tree, the branch and what there is", { skip }, async () => {
  const absent = join(scratch, "absent.root");
  await assert.rejects(openRootFile(absent), {
    kind: "unreadable",
    message: /absent\.root: cannot be opened: ENOENT/,
  });
  await assert.rejects(openRootFile(scratch), { kind: "unreadable", message: /is not a regular file/ });
  for (const content of ["", "roo", "PK\u0003\u0004 something else"]) {
    const other = join(scratch, "other.root");
    writeFileSync(other, content);
    await assert.rejects(openRootFile(other), {
      kind: "not_root",
      message: /other\.root: is not a ROOT file/,
    });
  }
  const file = await openRootFile(tpc);
  await assert.rejects(file.tree("response"), {
    kind: "missing",
    message: /v4\.root: there is no tree "response"; its trees are "responses"/,
  });
  const tree = await file.tree("responses");
  await assert.rejects(tree.read(["drift"]), {
    kind: "missing",
    message: /v4\.root: tree "responses": there is no branch "drift"; nearest are "drift_length"/,
  });
  await file.close();
});

test("a truncated or altered file is a clear error or reads; it never hangs and never fails otherwise", {
  skip,
}, async () => {
  const bytes = readFileSync(tpc);
  const path = join(scratch, "damaged.root");
  const kinds: Record<string, number> = {};
  const attempt = async (content: Uint8Array) => {
    writeFileSync(path, content);
    let kind = "read";
    try {
      const file = await openRootFile(path);
      try {
        const tree = await file.tree("responses");
        await tree.read(tree.branches.flatMap(({ name, problem }) => (problem ? [] : [name])));
      } finally {
        await file.close();
      }
    } catch (error) {
      assert.ok(error instanceof RootError, String((error as Error).stack));
      assert.match(error.message, /damaged\.root/);
      kind = error.kind;
    }
    kinds[kind] = (kinds[kind] ?? 0) + 1;
  };
  for (let i = 0; i < 60; i++) await attempt(bytes.subarray(0, Math.floor((bytes.length * i) / 60)));
  assert.equal(kinds.read, undefined, "no truncated file reads");
  let state = 12345;
  for (let i = 0; i < 100; i++) {
    const altered = Uint8Array.from(bytes);
    for (let k = 0; k < 40; k++) {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      // Half of the alterations fall into the header and the metadata at the end.
      const at = k % 2 ? state % bytes.length : k % 4 ? state % 600 : bytes.length - 1 - (state % 12000);
      altered[at] = (state >>> 8) & 255;
    }
    await attempt(altered);
  }
  assert.ok(kinds.damaged > 60 + 30, JSON.stringify(kinds));
});

test("a damaged count in the metadata is an error, not a search without end", { skip }, async () => {
  const bytes = readFileSync(join(data, "root/uproot-HZZ-uncompressed.root"));
  // In a TBranch: fBasketSize 32,000, fEntryOffsetLen 0, fWriteBasket 1; then in the tree: the TObjArray of branches.
  const branch = bytes.indexOf(Buffer.from("00007d000000000000000001", "hex"));
  assert.ok(branch > 0);
  const path = join(scratch, "counts.root");
  const expectDamaged = async (position: number, count: number) => {
    const altered = Buffer.from(bytes);
    altered.writeInt32BE(count, position);
    writeFileSync(path, altered);
    const file = await openRootFile(path);
    await assert.rejects(file.tree("events"), {
      kind: "damaged",
      message: /counts\.root: tree "events": its metadata/,
    });
    await file.close();
  };
  await expectDamaged(branch + 8, 0x7fffffff);
  const branches = bytes.indexOf(Buffer.from("TBranch\0")) - 16; // count, lower bound, byte count, new-class tag
  assert.equal(bytes.readInt32BE(branches), 51);
  await expectDamaged(branches, 0x7fffffff);
});
