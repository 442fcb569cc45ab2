// Datasets on disk: bytes that depend on the rows alone, the split, reading back, damage, and Python's own reading.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import type { ResponseBatch } from "../family/responses.ts";
import { datasetDigest } from "./dataset.ts";
import { loadDataset } from "./loadDataset.ts";
import { readResponses } from "./readResponses.ts";
import { splits, splitter } from "./split.ts";
import { collect, family, fixture, python, reading, skipWithoutV4, v4 } from "./testdata.ts";
import { type WriteOptions, writeDataset } from "./writeDataset.ts";

const scratch = mkdtempSync(join(tmpdir(), "driftline-dataset-"));
after(() => rmSync(scratch, { recursive: true }));
let directories = 0;

/** Its Python for identities and the split is run as it stands there. */
const documentation = join(import.meta.dirname, "../../../../docs/data.md");
const fractions = { train: 0.5, validation: 0.25, test: 0.25 };
function write(batches: AsyncIterable<ResponseBatch>, changes: Partial<WriteOptions> = {}) {
  const directory = join(scratch, String(directories++));
  const { inputs, output } = family;
  const options = { inputs, output, split: fractions, salt: "test", provenance: { source: "fixture" } };
  return writeDataset({ directory, batches, ...options, ...changes }).then((manifest) => ({
    manifest,
    directory,
  }));
}
const rows = await collect(readResponses(reading([fixture("responses.root")])));

async function* cut(sizes: number[]): AsyncGenerator<ResponseBatch> {
  let from = 0;
  for (let i = 0; from < rows.rows; i++) {
    const to = Math.min(from + sizes[i % sizes.length], rows.rows);
    yield {
      rows: to - from,
      features: rows.features.subarray(from * 6, to * 6),
      responses: rows.responses.subarray(from * 128, to * 128),
      ids: rows.ids.subarray(from, to),
    };
    from = to;
  }
}

test("rows come back, each in the part that its identity says, with a manifest that says what is there", async () => {
  const { manifest, directory } = await write(cut([40]), { shardRows: 16 });
  assert.deepEqual(readdirSync(directory), [
    "dataset.json",
    "shard-00000.safetensors",
    "shard-00001.safetensors",
    "shard-00002.safetensors",
  ]);
  assert.deepEqual(
    manifest.shards.map((shard) => shard.rows),
    [16, 16, 8],
  );
  for (const { path, size, sha256 } of manifest.shards) {
    const bytes = readFileSync(join(directory, path));
    assert.deepEqual([bytes.length, createHash("sha256").update(bytes).digest("hex")], [size, sha256]);
  }
  assert.deepEqual(manifest.tensors[0].columns?.[2], { name: "drift_length", unit: "bin" });
  assert.deepEqual(manifest.tensors[1], { name: "response", dtype: "F32", shape: [8, 16], unit: "ADC" });
  assert.equal(
    datasetDigest(manifest),
    createHash("sha256")
      .update(readFileSync(join(directory, "dataset.json")))
      .digest("hex"),
  );
  const loaded = await loadDataset(directory);
  assert.deepEqual(loaded.manifest, manifest);
  const order = splits.map((name) =>
    [...rows.ids.keys()].filter((row) => splits[splitter("test", fractions)(rows.ids[row])] === name),
  );
  splits.forEach((name, code) => {
    const part = loaded.splits[name];
    assert.equal(part.rows, manifest.split.counts[name]);
    assert.deepEqual(
      [...part.ids],
      order[code].map((row) => rows.ids[row]),
    );
    assert.deepEqual(
      [...part.features],
      order[code].flatMap((row) => [...rows.features.subarray(row * 6, row * 6 + 6)]),
    );
    assert.deepEqual(
      [...part.responses],
      order[code].flatMap((row) => [...rows.responses.subarray(row * 128, row * 128 + 128)]),
    );
  });
  const onlyTest = await loadDataset(directory, { splits: ["test"] });
  assert.deepEqual(onlyTest.splits.test, loaded.splits.test);
  assert.equal(onlyTest.splits.train.rows, 0);
});

test("the same rows give the same bytes, however they are batched", async () => {
  const { manifest } = await write(cut([40]), { shardRows: 11 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 6 }),
      async (sizes) => {
        const other = await write(cut(sizes), { shardRows: 11 });
        assert.equal(datasetDigest(other.manifest), datasetDigest(manifest));
        assert.deepEqual(other.manifest.shards, manifest.shards);
      },
    ),
    { seed: 7, numRuns: 15 },
  );
  const salted = await write(cut([40]), { shardRows: 11, salt: "other" });
  assert.notEqual(datasetDigest(salted.manifest), datasetDigest(manifest));
});

test("provenance may be asked for at the end, when the counts are known", async () => {
  const reader = readResponses(reading([fixture("responses.root")]));
  const { manifest } = await write(reader, { provenance: () => ({ digits: reader.counts.digits }) });
  assert.deepEqual(manifest.provenance, { digits: 60 });
});

test("what must not be written is not: no dataset.json without all shards", async () => {
  const broken = async function* () {
    yield* cut([20]);
    throw new Error("the source broke");
  };
  const directory = join(scratch, "broken");
  await assert.rejects(write(broken(), { directory, shardRows: 8 }), /the source broke/);
  assert.ok(
    existsSync(join(directory, "shard-00000.safetensors")) && !existsSync(join(directory, "dataset.json")),
  );
  await assert.rejects(loadDataset(directory), {
    code: "invalid_data",
    message: /holds no complete dataset/,
  });
  const { directory: full } = await write(cut([40]));
  await assert.rejects(write(cut([40]), { directory: full }), {
    code: "invalid_data",
    message: /holds a dataset already/,
  });
  await assert.rejects(write(cut([40]), { split: { train: 0.8, validation: 0.3, test: 0 } }), {
    field: "data.split",
    message: /fractions of the split are/,
  });
  await assert.rejects(write(cut([40]), { split: { train: 1 - 1e-10, validation: 1e-10, test: 0 } }), {
    code: "invalid_data",
    message: /of 40 rows none fell to the validation part/,
  });
  const infinite = async function* () {
    for await (const batch of cut([10])) {
      const responses = batch.responses.slice();
      if (batch.ids[0] === rows.ids[20]) responses[3 * 128 + 5] = Number.NaN;
      yield { ...batch, responses };
    }
  };
  await assert.rejects(write(infinite()), { code: "invalid_data", message: /row 23 .*cell 5 is NaN/ });
});

test("a damaged dataset is refused, and the error names the file", async () => {
  const { directory, manifest } = await write(cut([40]), { shardRows: 16 });
  const shard = join(directory, "shard-00001.safetensors");
  const bytes = readFileSync(shard);
  const refused = (message: RegExp) =>
    assert.rejects(loadDataset(directory), (error: Error & { code?: string }) => {
      assert.equal(error.code, "damaged");
      assert.match(error.message, message);
      return true;
    });
  const changed = Buffer.from(bytes);
  changed[bytes.length - 20] ^= 1;
  writeFileSync(shard, changed);
  await refused(/shard-00001\.safetensors: its SHA-256 is/);
  writeFileSync(shard, bytes.subarray(0, bytes.length - 1));
  await refused(/shard-00001\.safetensors: it has \d+ bytes in place of/);
  rmSync(shard);
  await refused(/shard-00001\.safetensors/);
  writeFileSync(shard, bytes);
  const rewrite = (change: object) =>
    writeFileSync(join(directory, "dataset.json"), JSON.stringify({ ...manifest, ...change }));
  rewrite({
    split: { ...manifest.split, counts: { ...manifest.split.counts, test: manifest.split.counts.test + 1 } },
  });
  await refused(/dataset\.json: it counts \d+ rows for test, the shards have/);
  rewrite({ shards: [{ ...manifest.shards[0], path: "../elsewhere.safetensors" }] });
  await refused(/dataset\.json: it does not follow the format/);
});

test("the reference file's dataset equals what uproot and NumPy make of it", {
  skip: skipWithoutV4 || (existsSync(python) ? false : "trainer/.venv is absent: not compared with uproot"),
}, async () => {
  const { directory } = await write(readResponses(reading([v4], { threshold: 1 })), { shardRows: 2048 });
  const documented = /```python\n(.*?)```/s.exec(readFileSync(documentation, "utf8"))![1];
  const script = `${documented}
import json, sys
import numpy as np, uproot
from safetensors.numpy import load_file
manifest = json.load(open(sys.argv[1] + "/dataset.json"))
shards = [load_file(f"{sys.argv[1]}/{shard['path']}") for shard in manifest["shards"]]
ours = {name: np.concatenate([shard[name] for shard in shards]) for name in shards[0]}
tree = uproot.open(sys.argv[2])["responses"]
names = ["crossing_angle_deg", "dip_angle_deg", "drift_length", "pad_coordinate", "pad_row", "pt"]
features = np.stack([tree[name].array(library="np") for name in names], axis=1).astype(np.float32)
assert ours["features"].dtype == np.float32 and np.array_equal(ours["features"], features)
response = np.zeros((5000, 8, 16), np.float32)
digits = zip(*(tree[name].array(library="np") for name in ["pad_coordinate", "drift_length", "ipad", "itime", "amp"]))
for row, (pad, drift, ipad, itime, amp) in enumerate(digits):
    response[row, ipad - int(pad) + 3, itime - int(drift) + 7] = np.where(amp < 1, 0, amp)
assert np.array_equal(ours["response"], response)
content = hashlib.sha256(open(sys.argv[2], "rb").read()).digest()
ids = [row_id(content, entry) for entry in range(5000)]
assert ours["id"].tolist() == ids
assert ours["split"].tolist() == [part(row, "test", 0.5, 0.25) for row in ids]
print("equal")`;
  assert.equal(execFileSync(python, ["-c", script, directory, v4], { encoding: "utf8" }), "equal\n");
});
