// The commands that look into files, on a table that the test writes.

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { captured } from "../../testing.ts";

const directory = mkdtempSync(join(tmpdir(), "driftline-data-"));
after(() => rmSync(directory, { recursive: true }));
const at = (name: string) => join(directory, name);

/** 1,000 rows: x from 0, y its square, kind 0 or 1. */
const rows = Array.from({ length: 1000 }, (_, i) => `${i},${i * i},${i % 2}`);
writeFileSync(at("table.csv"), ["x,y,kind", ...rows].join("\n"));
writeFileSync(
  at("table.yaml"),
  "sources: {all: {files: table.csv}}\nfeatures: [x, {name: y, scale: log}]\nlabel: kind\ncut: x < 900\n",
);

async function json(...args: string[]) {
  const { code, stdout, stderr } = await captured(["data", ...args, "--json"]);
  assert.equal(code, 0, stdout + stderr);
  return JSON.parse(stdout);
}

test("inspect says what a file holds", async () => {
  const [file] = await json("inspect", at("table.csv"));
  assert.deepEqual(
    file.tables[0].columns.map(({ name }: { name: string }) => name),
    ["x", "y", "kind"],
  );
  const { stdout } = await captured(["data", "inspect", at("table.csv")]);
  assert.match(stdout, /table\.csv: 12\.\d kB\n\ntable, 3 columns/);
});

test("head shows entries that pass, with new columns", async () => {
  const entries = await json(
    ...[
      "head",
      at("table.csv"),
      "--define",
      "z=y - x",
      "--cut",
      "x > 500",
      "--columns",
      "x,z",
      "--entries",
      "2",
    ],
  );
  assert.deepEqual(entries, [
    { x: 501, z: 250_500 },
    { x: 502, z: 251_502 },
  ]);
  const none = await captured(["data", "head", at("table.csv"), "--cut", "x > 5000"]);
  assert.equal(none.stdout, "None of 1000 entries passes the cut.\n");
});

test("plot draws and counts", async () => {
  const out = at("plot.png");
  const { samples } = await json(
    ...["plot", "x", `even=${at("table.csv")}`, `all=${at("table.csv")}`, "--bins", "10,0,500", "--out", out],
  );
  assert.deepEqual(
    samples.map(({ name }: { name: string }) => name),
    ["even", "all"],
  );
  const [{ histogram, mean, values }] = samples;
  assert.deepEqual(histogram.storage.values, [0, ...Array(10).fill(50), 500]);
  assert.deepEqual([mean, values], [499.5, 1000]);
  const image = readFileSync(out);
  assert.equal(image.toString("latin1", 1, 4), "PNG");
  assert.ok(image.readUInt32BE(16) >= 1200, `${image.readUInt32BE(16)} pixels wide`);
  await json("plot", "kind == 1", at("table.csv"), "--out", at("kind.svg"));
  assert.match(readFileSync(at("kind.svg"), "utf8"), /^<svg /);
});

test("spec measures, and writes a specification that it reads again", async () => {
  const figures = await json("spec", at("table.yaml"));
  assert.equal(figures.rows.train + figures.rows.validation + figures.rows.test, 900);
  assert.deepEqual([figures.width, figures.features[1].scale.kind], [2, "log"]);
  const written = at("written.yaml");
  const first = await json(
    "spec",
    `all=${at("table.csv")}`,
    "--cut",
    "x < 900",
    "--features",
    "x,y",
    "--write",
    written,
  );
  const { specification: _, ...again } = await json("spec", written);
  assert.deepEqual({ ...first, specification: undefined }, { ...again, specification: undefined });
  const twice = await captured(["data", "spec", at("table.csv"), "--write", written]);
  assert.match(twice.stderr, /nothing is overwritten/);
});

test("build makes a dataset of a specification", async () => {
  const made = await json("build", at("table.yaml"), "--to", at("dataset"));
  assert.equal(made.rows, 900);
  assert.ok(existsSync(join(at("dataset"), "dataset.json")));
  const again = await captured(["data", "build", at("table.yaml"), "--to", at("dataset")]);
  assert.equal(again.code, 2);
  assert.match(again.stderr, /holds a dataset already; nothing is overwritten/);
});

test("wrong words are answered with field and remedy", async () => {
  for (const [args, code, pattern] of [
    [["data"], 0, /data inspect/],
    [["data", "--help"], 0, /data inspect/],
    [["help", "data", "head"], 0, /driftline data head FILE/],
    [["data", "head", "--help"], 0, /driftline data head FILE/],
    [["data", "inspct", "x"], 2, /Did you mean data inspect/],
    [["data", "head"], 2, /FILE\.\.\. is missing/],
    [["data", "plot", "x"], 2, /FILE\.\.\. is missing/],
    [["data", "plot", "x", at("table.csv"), "--bins", "0"], 2, /--bins 0/],
    [["data", "plot", "x", at("table.csv"), "--out", "plot.pdf"], 2, /\.svg nor \.png/],
    [["data", "head", at("table.csv"), "--columns", "X"], 2, /there is no column "X"/],
    [["data", "head", at("table.csv"), "--define", "1=x"], 2, /--define 1=x/],
    [["data", "head", at("table.csv"), "--cut", "x >"], 2, /x >/],
    [["data", "build", at("table.yaml")], 2, /--to/],
    [["data", "build", at("table.csv"), "--to", at("other")], 2, /table\.csv:1/],
    [["data", "stream", at("table.yaml"), "--part", "all"], 2, /--part all/],
    [["data", "stream", at("table.yaml"), "--from", "3"], 2, /--from 3/],
  ] as const) {
    const ended = await captured([...args]);
    assert.equal(ended.code, code, args.join(" "));
    assert.match(ended.stdout + ended.stderr, pattern);
  }
  assert.ok(!existsSync(at("other")));
});
