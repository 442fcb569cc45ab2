// An external simulator end to end: a program writes real ROOT or Parquet files, the streaming reader reads them.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { loadFamily } from "../family/loadFamily.ts";
import type { ResponseBatch } from "../family/responses.ts";
import { respond, simulate } from "../simulation/simulate.ts";
import { readResponses } from "../streaming/readResponses.ts";

const repository = join(import.meta.dirname, "../../../..");
const family = loadFamily(join(repository, "families/mpd.tpc/family.yaml"));
const python = join(repository, "trainer/.venv/bin/python");
const skip = existsSync(python) ? false : "the trainer's environment is absent";

async function read(file: string): Promise<ResponseBatch> {
  const reader = readResponses({
    files: [file],
    mapping: family.data.files!,
    inputs: family.inputs,
    output: family.output,
    threshold: null,
    saturation: null,
    batchRows: 1_000_000,
  });
  for await (const batch of reader) return batch;
  throw new Error("the file has no rows");
}

const conditions = Object.fromEntries(family.conditions.map(({ name, nominal }) => [name, nominal ?? ""]));

/** One digit a row: its amplitude is 10 + the row's drift length + the drift velocity, in the middle of the window. */
const program = `
import csv, json, sys
import awkward as ak
import numpy as np
import uproot

request = json.load(open(sys.argv[1]))
with open(request["inputs"]["file"]) as file:
    rows = list(csv.DictReader(file))
column = lambda name: np.array([float(row[name]) for row in rows])
drift, pad = column("drift_length"), column("pad_coordinate")
jagged = lambda values: ak.unflatten(values, np.ones(len(rows), dtype=np.int64))
velocity = float(request["conditions"]["drift_velocity"])
columns = {
    "crossing_angle_deg": column("crossing_angle"),
    "dip_angle_deg": column("dip_angle"),
    "drift_length": drift,
    "pad_coordinate": pad,
    "pad_row": column("pad_row").astype(np.int32),
    "pt": column("pt"),
    "ipad": jagged(np.trunc(pad).astype(np.int32)),
    "itime": jagged(np.trunc(drift).astype(np.int32)),
    "amp": jagged((10 + drift + velocity).astype(np.float32)),
}
types = {"ipad": "var * int32", "itime": "var * int32", "amp": "var * float32", "pad_row": "int32"}
with uproot.recreate(request["output"]["file"]) as file:
    tree = file.mktree("responses", {name: types.get(name, "float64") for name in columns})
    tree.extend(columns)
`;

test("a Python program with uproot writes a ROOT file", { skip }, async () => {
  const batch = await simulate({
    simulator: { name: "toy", version: 1, command: [python, "-c", program], format: "root" },
    conditions,
    inputs: family.inputs,
    output: family.output,
    seed: 1,
    rows: 200,
    readResponses: read,
  });
  assert.equal(batch.rows, 200);
  for (let row = 0; row < 200; row++) {
    const drift = batch.features[row * 6 + 2];
    const cells = batch.responses.subarray(row * 128, (row + 1) * 128);
    // Pad 3 and time bin 7 of the window hold the integer parts of the coordinates.
    assert.ok(Math.abs(cells[3 * 16 + 7] - (15.5 + drift)) < 1e-4);
    assert.equal(
      cells.reduce((n, a) => n + (a > 0 ? 1 : 0), 0),
      1,
    );
  }
});

test("a program that writes a Parquet file", async () => {
  const file = join(import.meta.dirname, "../streaming/testdata/responses.parquet");
  const wanted = await read(file);
  const copy = `
    const request = JSON.parse(require("node:fs").readFileSync(process.argv[1], "utf8"));
    require("node:fs").copyFileSync(${JSON.stringify(file)}, request.output.file);`;
  const responses = await respond({
    simulator: { name: "toy", version: 1, command: [process.execPath, "-e", copy], format: "parquet" },
    conditions,
    inputs: family.inputs,
    output: family.output,
    seed: 1,
    features: wanted.features,
    ids: BigInt64Array.from({ length: wanted.rows }, (_, i) => BigInt(i)),
    readResponses: read,
  });
  assert.deepEqual(responses, wanted.responses);
  assert.ok(responses.some((a) => a > 0));
});
