// How fast entries are read from a ROOT file and written as a dataset: node bench/responses.ts <mpd-tpc-v4.root>

import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { openRootFile } from "@driftline/rootio";
import { loadFamily } from "../packages/driftline/src/family/loadFamily.ts";
import { loadDataset } from "../packages/driftline/src/streaming/loadDataset.ts";
import { readResponses } from "../packages/driftline/src/streaming/readResponses.ts";
import { writeDataset } from "../packages/driftline/src/streaming/writeDataset.ts";

const path = process.argv[2];
if (!path) throw new Error("usage: node bench/responses.ts <mpd-tpc-v4.root>");
const { inputs, output, data } = loadFamily(join(import.meta.dirname, "../families/mpd.tpc/family.yaml"));
const scratch = mkdtempSync(join(tmpdir(), "driftline-bench-"));
const repeats = 15;

const source = { files: [path], mapping: data.files!, inputs, output, threshold: 1, saturation: null };
let made = 0;
const write = () =>
  writeDataset({
    directory: join(scratch, String(made++)),
    batches: readResponses(source),
    inputs,
    output,
    split: data.split,
    salt: "bench",
    provenance: {},
  });

async function readColumns(): Promise<void> {
  const file = await openRootFile(path);
  const [name] = file.trees();
  const tree = await file.tree(name);
  await tree.read(tree.branches.map((branch) => branch.name));
  await file.close();
}

async function readBatches(): Promise<void> {
  for await (const _ of readResponses(source));
}

/** Median wall time of the runs after the first three. */
async function median(work: () => Promise<unknown>): Promise<number> {
  const seconds: number[] = [];
  for (let i = 0; i < repeats + 3; i++) {
    const started = performance.now();
    await work();
    if (i >= 3) seconds.push((performance.now() - started) / 1000);
  }
  return seconds.sort((a, b) => a - b)[Math.floor(repeats / 2)];
}

try {
  const { rows } = await write();
  console.log(
    `${rows} entries; ${cpus()[0].model}, Node ${process.version}; median of ${repeats}, file cached`,
  );
  const cases: [string, () => Promise<unknown>][] = [
    ["ROOT file opened, all branches to columns", readColumns],
    ["… to features, images and identities", readBatches],
    ["… to a dataset on disk", write],
    ["dataset loaded and verified", () => loadDataset(join(scratch, "0"))],
  ];
  for (const [name, work] of cases) {
    const seconds = await median(work);
    const rate = Math.round(rows / seconds / 1000);
    console.log(
      `${name.padEnd(42)} ${(seconds * 1000).toFixed(1).padStart(7)} ms  ${rate} thousand entries/s`,
    );
  }
} finally {
  rmSync(scratch, { recursive: true });
}
