// One case of the streaming benchmark in a process of its own: prints a JSON line with seconds, events and peak memory.
//
//   node bench/streaming/work.ts DIRECTORY CASE EXPECTED.json

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Column, openRootFile, type RootFile, type Tree } from "@driftline/rootio";
import {
  compileCut,
  compileDefinitions,
  keepEntries,
} from "../../packages/driftline/src/streaming/expressions/compile.ts";
import {
  type EncodedFeature,
  emptyMatrix,
  encode,
  type Matrix,
} from "../../packages/driftline/src/streaming/features/encode.ts";
import { addColumn, emptyStatistics } from "../../packages/driftline/src/streaming/features/statistics.ts";

interface Expected {
  branches_flat: string[];
  branches_jagged: string[];
  dim: Record<string, number>;
  min: Record<string, number>;
  max: Record<string, number>;
  all: Record<"sha256_values" | "sha256_mask" | "sha256_normalised", string>;
  cuts: { rows: number; present_total: number; sum: number[] };
}

const [directory, name, expectedPath] = process.argv.slice(2);
const expected = JSON.parse(readFileSync(expectedPath, "utf8")) as Expected;
const branches = [...expected.branches_flat, ...expected.branches_jagged];
const fourColumns = ["MET_pt", "Jet_pt", "Jet_eta", "Jet_phi"];
const chunkRows = 10_000;

/** Seconds of the work alone: opening the files is in it, starting the process is not. */
async function timed(work: () => Promise<{ events: number; rows?: number }>) {
  const started = performance.now();
  const result = await work();
  return { ...result, seconds: (performance.now() - started) / 1000 };
}

async function withTrees<T>(names: string[], work: (trees: Tree[]) => Promise<T>): Promise<T> {
  const files: RootFile[] = await Promise.all(names.map((file) => openRootFile(join(directory, file))));
  try {
    return await work(await Promise.all(files.map((file) => file.tree("Events"))));
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
}

const read = (file: string, names: string[], chunk: number | null) =>
  withTrees([file], async ([tree]) => {
    if (chunk === null) await tree.read(names);
    else for await (const _ of tree.chunks(names, chunk));
    return { events: tree.entries };
  });

/** Minimum, maximum, moments, quantiles and multiplicities of every branch. */
const specs = () =>
  withTrees(["sig_zlib1.root", "bkg_zlib1.root"], async (trees) => {
    const statistics = branches.map(emptyStatistics);
    let events = 0;
    for (const tree of trees)
      for await (const { columns, start, stop } of tree.chunks(branches, 10_000)) {
        branches.forEach((branch, i) => {
          addColumn(statistics[i], columns[branch], false);
        });
        events += stop - start;
      }
    branches.forEach((branch, i) => {
      const { min, max, lengths } = statistics[i];
      const dim = expected.dim[branch];
      if (min !== expected.min[branch] || max !== expected.max[branch] || (dim && lengths.length !== dim + 1))
        throw new Error(`${branch}: ${min} to ${max}, at most ${lengths.length - 1}`);
    });
    return { events };
  });

function encoding(scaled: boolean, withHt: boolean): { features: EncodedFeature[]; width: number } {
  let width = 0;
  const features = branches.map((branch, i): EncodedFeature => {
    const list = i >= expected.branches_flat.length;
    const feature = {
      name: branch,
      first: width,
      width: list ? expected.dim[branch] : 1,
      list,
      scale: scaled
        ? ({
            kind: "min-max",
            offset: expected.min[branch],
            divisor: expected.max[branch] - expected.min[branch],
          } as const)
        : ({ kind: "none", offset: 0, divisor: 1 } as const),
    };
    width += feature.width;
    return feature;
  });
  if (withHt) {
    features.push({
      name: "HT",
      first: width,
      width: 1,
      list: false,
      scale: { kind: "none", offset: 0, divisor: 1 },
    });
    width++;
  }
  return { features, width };
}

type Each = (matrix: Matrix, labels: Uint8Array) => void;

/** Chunks of the next events of both files, signal first. */
async function matrix(format: string, rows: number, limit: number, scaled: boolean, each?: Each) {
  return withTrees([`sig_${format}.root`, `bkg_${format}.root`], async (trees) => {
    const { features, width } = encoding(scaled, false);
    const readers = trees.map((tree) => tree.chunks(branches, rows / 2)[Symbol.asyncIterator]());
    let events = 0;
    while (events < limit) {
      const parts = await Promise.all(readers.map((reader) => reader.next()));
      if (parts.some(({ done }) => done)) break;
      const sizes = parts.map(({ value }) => value.stop - value.start);
      const out = emptyMatrix(sizes[0] + sizes[1], width);
      const labels = new Uint8Array(out.rows).fill(1, 0, sizes[0]);
      parts.forEach(({ value }, i) => {
        const columns = branches.map((branch) => value.columns[branch]);
        encode(features, columns, sizes[i], out, i === 0 ? 0 : sizes[0], true);
      });
      each?.(out, labels);
      events += out.rows;
    }
    for (const reader of readers) await reader.return?.();
    return { events };
  });
}

/** Cut and new column by the expressions of the platform. */
async function cuts(each?: Each) {
  return withTrees(["sig_zlib1.root", "bkg_zlib1.root"], async (trees) => {
    const { features, width } = encoding(true, true);
    const shapes = new Map(
      trees[0].branches.flatMap(({ name, shape }) => (shape ? [[name, shape] as const] : [])),
    );
    const definitions = compileDefinitions({ HT: "sum(Jet_pt)" }, { columns: shapes });
    const cut = compileCut("MET_pt > 25 && any(Jet_pt > 40) && all(Jet_pt > 16)", definitions.scope);
    const readers = trees.map((tree) => tree.chunks(branches, chunkRows / 2)[Symbol.asyncIterator]());
    let events = 0;
    let rows = 0;
    for (;;) {
      const parts = await Promise.all(readers.map((reader) => reader.next()));
      if (parts.some(({ done }) => done)) break;
      const kept = parts.map(({ value }) => {
        const chunk = { entries: value.stop - value.start, columns: value.columns as Record<string, Column> };
        events += chunk.entries;
        return definitions.apply(keepEntries(chunk, cut.select(chunk)));
      });
      const out = emptyMatrix(kept[0].entries + kept[1].entries, width);
      const labels = new Uint8Array(out.rows).fill(1, 0, kept[0].entries);
      kept.forEach((chunk, i) => {
        const columns = [...branches, "HT"].map((branch) => chunk.columns[branch]);
        encode(features, columns, chunk.entries, out, i === 0 ? 0 : kept[0].entries, true);
      });
      each?.(out, labels);
      rows += out.rows;
    }
    return { events, rows };
  });
}

/** All output against the expected checksums. */
async function check() {
  const hash = { values: createHash("sha256"), mask: createHash("sha256"), normalised: createHash("sha256") };
  const { features, width } = encoding(false, false);
  const { features: scaled } = encoding(true, false);
  const result = await withTrees(["sig_zlib1.root", "bkg_zlib1.root"], async (trees) => {
    const readers = trees.map((tree) => tree.chunks(branches, 5_000)[Symbol.asyncIterator]());
    let events = 0;
    for (;;) {
      const parts = await Promise.all(readers.map((reader) => reader.next()));
      if (parts.some(({ done }) => done)) break;
      const [values, normalised] = [emptyMatrix(chunkRows, width), emptyMatrix(chunkRows, width)];
      parts.forEach(({ value }, i) => {
        const columns = branches.map((branch) => value.columns[branch]);
        encode(features, columns, 5_000, values, 5_000 * i, false);
        encode(scaled, columns, 5_000, normalised, 5_000 * i, true);
      });
      hash.values.update(values.values);
      hash.mask.update(values.mask);
      hash.normalised.update(normalised.values);
      events += chunkRows;
    }
    return { events };
  });
  for (const [what, sum] of Object.entries(hash)) {
    const digest = sum.digest("hex");
    if (digest !== expected.all[`sha256_${what}` as keyof Expected["all"]])
      throw new Error(`${what}: SHA-256 ${digest}`);
  }
  let present = 0;
  const rows = await cuts((matrix) => {
    for (const bit of matrix.mask) present += bit;
  });
  // The expected count leaves out HT, which every row has.
  if (
    rows.rows !== expected.cuts.rows ||
    ![present, present - rows.rows].includes(expected.cuts.present_total)
  )
    throw new Error(`cuts: ${rows.rows} rows with ${present} values`);
  return result;
}

const cases: Record<string, () => Promise<{ events: number; rows?: number }>> = {
  raw_zlib1_all: () => read("sig_zlib1.root", branches, null),
  raw_lz4_all: () => read("sig_lz4.root", branches, null),
  raw_none_all: () => read("sig_none.root", branches, null),
  raw_c4000_all: () => read("sig_zlib1_c4000.root", branches, null),
  raw_zlib1_it10k: () => read("sig_zlib1.root", branches, chunkRows),
  raw_none_it10k: () => read("sig_none.root", branches, chunkRows),
  raw_c4000_it10k: () => read("sig_zlib1_c4000.root", branches, chunkRows),
  raw_zlib1_4cols: () => read("sig_zlib1.root", fourColumns, null),
  specs,
  matrix: () => matrix("zlib1", chunkRows, Number.POSITIVE_INFINITY, true),
  matrix_lz4: () => matrix("lz4", chunkRows, Number.POSITIVE_INFINITY, true),
  matrix_none: () => matrix("none", chunkRows, Number.POSITIVE_INFINITY, true),
  matrix_1k: () => matrix("zlib1", 1_000, 40_000, true),
  matrix_first: () => matrix("zlib1", chunkRows, 40_000, true),
  cuts: () => cuts(),
  check,
};
if (!cases[name]) throw new Error(`no such case: ${name}; there are ${Object.keys(cases).join(", ")}`);
const result = await timed(cases[name]);
console.log(
  JSON.stringify({ case: name, ...result, peakMB: Math.round(process.resourceUsage().maxRSS / 1024) }),
);
