// Responses from files: the reference file's published figures, fixtures worked out again, and every error.

import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { FileMapping } from "../family/family.ts";
import { type ReadOptions, readResponses } from "./readResponses.ts";
import { collect, expectedFixture, family, fixture, reading, skipWithoutV4, v4 } from "./testdata.ts";

const scratch = mkdtempSync(join(tmpdir(), "driftline-read-"));
after(() => rmSync(scratch, { recursive: true }));
const mapping = family.data.files!;

test("the reference file: 5,000 responses, their digits, their sum and their six moments", {
  skip: skipWithoutV4,
}, async () => {
  const reader = readResponses(reading([v4], { threshold: 0 }));
  const { rows, responses } = await collect(reader);
  assert.equal(rows, 5000);
  const { counts } = reader;
  assert.equal(counts.digits, 91_977);
  assert.deepEqual([counts.digitsOutside, counts.digitsBelowThreshold, counts.digitsSaturated], [0, 0, 0]);
  assert.equal(responses.filter((amplitude) => amplitude > 0).length, 91_977);
  assert.equal(responses.reduce((sum, amplitude) => sum + amplitude, 0).toFixed(2), "3250169.09");
  // The table of the data's README: mean, standard deviation, minimum, maximum, as printed there.
  const table = {
    mean0: ["3.502202", "0.303094", "2.694692", "4.351610"],
    mean1: ["7.485684", "0.371332", "5.377204", "9.628265"],
    variance0: ["0.296808", "0.070579", "0.106413", "0.622419"],
    variance1: ["1.345282", "0.500371", "0.645971", "5.045491"],
    covariance: ["0.000999", "0.116254", "-0.700927", "0.693670"],
    sum: ["650.0338", "2040.6105", "70.8170", "31193.5580"],
  };
  const moments = Array.from({ length: rows }, (_, row) =>
    momentsOf(responses.subarray(row * 128, (row + 1) * 128)),
  );
  for (const [name, printed] of Object.entries(table)) {
    const values = moments.map((m) => m[name as keyof typeof m]);
    const mean: number = values.reduce((a, b) => a + b) / rows;
    const deviation = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / rows);
    const digits = name === "sum" ? 4 : 6;
    const found = [mean, deviation, Math.min(...values), Math.max(...values)].map((x) => x.toFixed(digits));
    assert.deepEqual(found, printed, name);
  }
  // The README's ranges and its counts of responses outside the source's own ranges (94 angles, 102 drift lengths).
  assert.deepEqual(counts.coverage.drift_length, { low: Math.fround(24.915), high: Math.fround(302.089) });
  assert.equal(counts.outsideDomain.crossing_angle, 94);
  assert.equal(counts.outsideDomain.drift_length, 102);
});

function momentsOf(image: Float32Array) {
  let [sum, s0, s1, s00, s11, s01] = [0, 0, 0, 0, 0, 0];
  image.forEach((a, cell) => {
    const [i, j] = [Math.floor(cell / 16), cell % 16];
    sum += a;
    s0 += a * i;
    s1 += a * j;
    s00 += a * i * i;
    s11 += a * j * j;
    s01 += a * i * j;
  });
  const [mean0, mean1] = [s0 / sum, s1 / sum];
  return {
    mean0,
    mean1,
    variance0: s00 / sum - mean0 ** 2,
    variance1: s11 / sum - mean1 ** 2,
    covariance: s01 / sum - mean0 * mean1,
    sum,
  };
}

test("a threshold of 1 ADC removes the 1,972 digits below it", { skip: skipWithoutV4 }, async () => {
  const reader = readResponses(reading([v4], { threshold: 1 }));
  const { responses } = await collect(reader);
  assert.equal(reader.counts.digitsBelowThreshold, 1972);
  assert.equal(responses.filter((amplitude) => amplitude > 0).length, 91_977 - 1972);
});

for (const name of ["responses.root", "responses.parquet"])
  test(`${name}: every feature and cell, threshold, saturation and counts, in batches of any size`, async () => {
    const expected = expectedFixture(4, 30.5);
    for (const batchRows of [1, 7, 4096]) {
      const reader = readResponses(reading([fixture(name)], { threshold: 4, saturation: 30.5, batchRows }));
      const { rows, features, responses } = await collect(reader);
      assert.equal(rows, 40);
      assert.deepEqual(features, expected.features);
      assert.deepEqual(responses, expected.responses);
      const { counts } = reader;
      // 10 entries each with 0, 1, 2 and 3 digits; 0.5 + k + e < 4 in entries 1, 2 (both digits) and 3 (k = 0);
      // k + e > 30 for k = 1 in entry 30, for all 3 in 31, for the 1, 2 and 3 in 33 to 35 and in 37 to 39.
      assert.equal(counts.digits, 60);
      assert.equal(counts.digitsOutside, 1);
      assert.equal(counts.digitsBelowThreshold, 4);
      assert.equal(counts.digitsSaturated, 1 + 3 + (1 + 2 + 3) * 2);
      // Crossing angle 20 in the last entry is inside; dip angle -40 to 38, drift length 100.25 to 119.75, all inside.
      assert.equal(counts.rowsOutsideDomain, 0);
      assert.deepEqual(counts.coverage.pt, { low: 0.5, high: Math.fround(0.89) });
    }
  });

test("inputs outside the family's domain are counted, by row and by input, and kept", async () => {
  const inputs = family.inputs.map((input) =>
    input.name === "crossing_angle"
      ? { ...input, high: 15 }
      : input.name === "pt"
        ? { ...input, high: 0.8 }
        : input,
  );
  const reader = readResponses(reading([fixture("responses.root")], { inputs }));
  assert.equal((await collect(reader)).rows, 40);
  // Crossing angle -19 + e > 15: entries 35 to 39; pt 0.5 + e/100 > 0.8: 31 to 39.
  assert.equal(reader.counts.outsideDomain.crossing_angle, 5);
  assert.equal(reader.counts.outsideDomain.pt, 9);
  assert.equal(reader.counts.rowsOutsideDomain, 9);
});

test("identities follow the content, not the path or the order of the files", async () => {
  const [root, parquet] = [fixture("responses.root"), fixture("responses.parquet")];
  const moved = join(scratch, "moved.root");
  copyFileSync(root, moved);
  const one = await collect(readResponses(reading([root, parquet])));
  const two = await collect(readResponses(reading([parquet, moved])));
  assert.deepEqual(two, one);
  assert.equal(new Set(one.ids).size, 80);
});

test("progress ends at 1, and an abort stops the reading", async () => {
  const fractions: number[] = [];
  const batchRows = 10;
  const controller = new AbortController();
  const options = reading([fixture("responses.root")], { batchRows, onProgress: (f) => fractions.push(f) });
  await collect(readResponses(options));
  assert.deepEqual(fractions, [0.25, 0.5, 0.75, 1]);
  await assert.rejects(
    async () => {
      for await (const _ of readResponses({ ...options, signal: controller.signal })) controller.abort();
    },
    { name: "AbortError" },
  );
});

const good = [fixture("responses.root")];
const withMapping = (change: Partial<FileMapping>): Partial<ReadOptions> => ({
  mapping: { ...mapping, ...change },
});
const inBad = (tree: string) => withMapping({ tree });
const scratchFile = (name: string, content: string | Uint8Array) => {
  const path = join(scratch, name);
  writeFileSync(path, content);
  return path;
};
const truncated = scratchFile("truncated.root", readFileSync(good[0]).subarray(0, 20_000));
const errors: [string, string[], Partial<ReadOptions>, string, RegExp][] = [
  ["missing file", [join(scratch, "gone.root")], {}, "data.files", /gone\.root: there is no such file/],
  ["directory", [scratch], {}, "data.files", /not a regular file/],
  [
    "other format",
    [scratchFile("x.docx", "a,b\n")],
    {},
    "data.files",
    /x\.docx: neither its first bytes nor its name tell a format/,
  ],
  ["truncated", [truncated], {}, "data.files", /truncated\.root: .*truncated or damaged/],
  ["damaged Parquet", [scratchFile("p.parquet", "PAR1 no")], {}, "data.files", /no readable Parquet/],
  ["no files", [], {}, "data.files", /no file has no entries/],
  ["no entries", [fixture("bad.root")], inBad("empty"), "data.files", /bad\.root has no entries/],
  ["the same content twice", [good[0], good[0]], {}, "data.files", /have the same content/],
  [
    "missing tree",
    good,
    withMapping({ tree: "response" }),
    "data.files.tree",
    /there is no tree "response"; its trees are "responses"/,
  ],
  [
    "missing branch",
    good,
    withMapping({ inputs: { ...mapping.inputs, pt: "p" } }),
    "data.files.inputs.pt",
    /tree "responses" has no branch "p" \(input pt\); nearest are .*pt/,
  ],
  [
    "missing column",
    [fixture("responses.parquet")],
    withMapping({ output: { ...mapping.output, amplitude: "charge" } }),
    "data.files.output.amplitude",
    /table has no column "charge" \(amplitude of the digits\); nearest are/,
  ],
  [
    "unmapped input",
    good,
    withMapping({ inputs: {} }),
    "data.files.inputs.crossing_angle",
    /no branch is named for the input crossing_angle/,
  ],
  [
    "list for an input",
    good,
    withMapping({ inputs: { ...mapping.inputs, pt: "amp" } }),
    "data.files.inputs.pt",
    /branch "amp" is a list in each entry, but the input pt must be one number/,
  ],
  [
    "number for the digits",
    good,
    withMapping({ output: { ...mapping.output, pad: "pad_row" } }),
    "data.files.output.pad",
    /branch "pad_row" is one number in each entry, but the pad of the digits must be a list/,
  ],
  [
    "text",
    [fixture("responses.parquet")],
    withMapping({ inputs: { ...mapping.inputs, pt: "label" } }),
    "data.files.inputs.pt",
    /column "label" \(input pt\) holds string, which is not a number/,
  ],
  [
    "list of lists",
    [fixture("responses.parquet")],
    withMapping({ output: { ...mapping.output, amplitude: "nested" } }),
    "data.files.output.amplitude",
    /column "nested" .* is a list of lists/,
  ],
  [
    "missing value",
    [fixture("responses.parquet")],
    withMapping({ inputs: { ...mapping.inputs, pt: "missing" } }),
    "data.files.inputs.pt",
    /entry 9 of .*responses\.parquet, column "missing": pt is NaN/,
  ],
  [
    "input that is not a number",
    [fixture("bad.root")],
    inBad("not_a_number"),
    "data.files.inputs.dip_angle",
    /entry 11 of .*bad\.root, branch "dip_angle_deg": dip_angle is NaN/,
  ],
  [
    "fraction for an integer",
    [fixture("bad.root")],
    inBad("fraction"),
    "data.files.inputs.pad_row",
    /entry 5 of .*branch "pad_row": pad_row is 5\.5, but must be an integer/,
  ],
  [
    "infinite amplitude",
    [fixture("bad.root")],
    inBad("infinite"),
    "data.files.output",
    /entry 13 .*"amp": amplitude Infinity/,
  ],
  [
    "two digits in one cell",
    [fixture("bad.root")],
    inBad("duplicate"),
    "data.files.output",
    /entry 2 of .*bad\.root.*: two digits with pad 31 and time 100/,
  ],
  [
    "lists of different length",
    [fixture("bad.root")],
    inBad("shorter"),
    "data.files.output",
    /entry 6 of .*branch "itime": it has 1 values, but "amp" has 2/,
  ],
];
for (const [name, files, changes, field, message] of errors)
  test(`error: ${name}`, async () => {
    await assert.rejects(
      collect(readResponses(reading(files, changes))),
      (error: Error & { remedy?: string }) => {
        assert.match(error.message, message);
        const { code, remedy } = error as Error & { code?: string; remedy?: string };
        assert.deepEqual([code, (error as { field?: string }).field], ["invalid_data", field]);
        assert.ok(remedy && remedy.length > 10);
        return true;
      },
    );
  });
