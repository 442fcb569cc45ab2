// Every branch of the reference files against what uproot read from them, to the bit; entry ranges; errors; damage.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type Column, openRootFile, RootError } from "./index.ts";

const data = process.env.DRIFTLINE_TEST_DATA ?? join(import.meta.dirname, "../../../../shared/data");
const skip = existsSync(data) ? false : `no reference files at ${data}`;
const tpc = join(data, "tpc/mpd-tpc-v4.root");
const scratch = mkdtempSync(join(tmpdir(), "driftline-rootio-"));
after(() => rmSync(scratch, { recursive: true }));

interface Leaf {
  dtype: string;
  values: number;
  sha256_le: string;
  list_levels?: { lists: number; total: number }[];
}
interface Expectation {
  trees: {
    name: string;
    class: string;
    num_entries: number;
    branches?: { name: string; leaves?: Leaf[]; first?: unknown[] }[];
  }[];
}

function digest({ values }: Column): string {
  return createHash("sha256")
    .update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
    .digest("hex");
}

/** The first entries as the expectation has them: lists cut to five values. */
function firstEntries({ values, offsets }: Column, type: string): unknown[] {
  const plain = (value: number | bigint) =>
    type === "bool"
      ? value === 1
      : typeof value === "bigint"
        ? Number(value)
        : Number.isFinite(value)
          ? value
          : String(value);
  return [0, 1, 2].map((i) =>
    offsets ? Array.from(values.subarray(offsets[i], offsets[i + 1]).slice(0, 5), plain) : plain(values[i]),
  );
}

/** File, and the number of branches in it that are read (the rest are named errors). */
const files: [path: string, supported: number, unsupported: number][] = [
  ["tpc/mpd-tpc-v4.root", 10, 0],
  ["root/uproot-HZZ.root", 51, 0],
  ["root/uproot-HZZ-zlib.root", 51, 0],
  ["root/uproot-HZZ-zstd.root", 51, 0],
  ["root/uproot-HZZ-uncompressed.root", 51, 0],
  ["root/uproot-Zmumu.root", 19, 1],
  ["root/uproot-Zmumu-uncompressed.root", 19, 1],
  ["root/nanoAOD_2015_CMS_Open_Data_ttbar.root", 947, 0],
];
for (const [path, supported, unsupported] of files)
  test(`${path}: every number is what uproot reads`, { skip }, async () => {
    const expected: Expectation = JSON.parse(readFileSync(join(data, `${path}.json`), "utf8"));
    const file = await openRootFile(join(data, path));
    const [expectedTree] = expected.trees;
    assert.deepEqual(file.trees(), [expectedTree.name]);
    const tree = await file.tree(expectedTree.name);
    assert.equal(tree.entries, expectedTree.num_entries);
    let read = 0;
    let refused = 0;
    for (const { name, leaves, first } of expectedTree.branches ?? []) {
      const info = tree.branches.find((branch) => branch.name === name);
      assert.ok(info, `branch ${name}`);
      if (info.problem !== null) {
        refused++;
        await assert.rejects(tree.read([name]), (error) => {
          assert.ok(error instanceof RootError);
          assert.equal(error.kind, "unsupported");
          assert.match(error.message, new RegExp(`tree "${tree.name}", branch "${name}": .*class TLeafC`));
          return true;
        });
        continue;
      }
      read++;
      const column = (await tree.read([name]))[name];
      const [leaf] = leaves!;
      assert.equal(info.type, leaf.dtype, name);
      assert.equal(column.values.length, leaf.values, name);
      assert.equal(digest(column), leaf.sha256_le, name);
      assert.deepEqual(firstEntries(column, info.type), first, name);
      assert.equal(info.jagged, leaf.list_levels !== undefined, name);
      if (column.offsets) {
        assert.equal(column.offsets.length, tree.entries + 1);
        if (info.counter) {
          const counts = (await tree.read([info.counter]))[info.counter].values;
          column.offsets.slice(1).forEach((end, i) => {
            assert.equal(end - column.offsets![i], Number(counts[i]), `${name}, entry ${i}`);
          });
        }
      }
    }
    assert.deepEqual({ read, refused }, { read: supported, refused: unsupported });
    await file.close();
  });

test("std::vector branches, and trees with classes that are not known, in an ATLAS file", {
  skip,
}, async () => {
  const path = join(data, "root/uproot-physlite-rntuple_v1-0-0-0.root");
  const expected: Expectation = JSON.parse(readFileSync(`${path}.json`, "utf8"));
  const file = await openRootFile(path);
  let vectors = 0;
  for (const name of file.trees()) {
    const tree = await file.tree(name);
    const expectedTree = expected.trees.find((other) => other.name === name);
    for (const { name: branch, problem, type, jagged } of tree.branches) {
      const leaf = expectedTree?.branches?.find((other) => other.name === branch)?.leaves?.[0];
      if (problem !== null || !leaf) continue;
      const column = (await tree.read([branch]))[branch];
      assert.equal(type, leaf.dtype, branch);
      assert.equal(digest(column), leaf.sha256_le, branch);
      if (jagged) vectors++;
    }
  }
  assert.equal(vectors, 78);
  await assert.rejects(file.tree("EventData"), {
    kind: "unsupported",
    message: /EventData.*RNTuple, not a TTree/,
  });
  await file.close();
});

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
    assert.equal(part.amp.offsets!.length, cuts[i] - cuts[i - 1] + 1);
    assert.equal(part.amp.offsets![0], 0);
    assert.equal(part.amp.offsets!.at(-1), part.amp.values.length);
    amp.push(...(part.amp.values as Float32Array));
    pt.push(...(part.pt.values as Float64Array));
    for (let e = 1; e < part.amp.offsets!.length; e++)
      lengths.push(part.amp.offsets![e] - part.amp.offsets![e - 1]);
  }
  assert.deepEqual(Float32Array.from(amp), whole.amp.values);
  assert.deepEqual(Float64Array.from(pt), whole.pt.values);
  assert.deepEqual(
    lengths,
    Array.from(whole.amp.offsets!.slice(1), (end, i) => end - whole.amp.offsets![i]),
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
  for (const [name, compression] of [
    ["lz4", "LZ4"],
    ["lzma", "LZMA"],
  ]) {
    const compressed = await openRootFile(join(data, `root/uproot-HZZ-${name}.root`));
    await assert.rejects(compressed.tree("events"), {
      kind: "unsupported",
      message: new RegExp(`HZZ-${name}.root: tree "events": is compressed with ${compression}`),
    });
    await compressed.close();
  }
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
