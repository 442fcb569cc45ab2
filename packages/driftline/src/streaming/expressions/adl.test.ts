// The eight queries of the IRIS-HEP benchmark of analysis languages, on 1,000 CMS events: every histogram equal to the
// one that an independent implementation gave (https://github.com/iris-hep/adl-benchmarks-index).

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { before, suite, test } from "node:test";
import { type Column, itemOf, type Shape } from "@driftline/rootio";
import { openTable } from "../sources/open.ts";
import { compileCut, compileDefinitions, type Scope } from "./compile.ts";
import { keepEntries } from "./keep.ts";

const repository = join(import.meta.dirname, "../../../../..");
const directory = join(process.env.DRIFTLINE_TEST_DATA ?? join(repository, "../shared/data"), "adl");
const skip = existsSync(directory) ? false : `the events are absent: ${directory}`;

interface Query {
  name: string;
  define: Record<string, string>;
  cut?: string;
  /** Filled with one value or the values of a list for each entry. */
  fill: string;
  bins: number;
  low: number;
  high: number;
}

const leptons = {
  lep_pt: "concat(Electron_pt, Muon_pt)",
  lep_eta: "concat(Electron_eta, Muon_eta)",
  lep_phi: "concat(Electron_phi, Muon_phi)",
  lep_mass: "concat(Electron_mass, Muon_mass)",
  lep_charge: "concat(Electron_charge, Muon_charge)",
  lep_flavour: "concat(0 * Electron_pt, 0 * Muon_pt + 1)",
};
const samePair = "for i < j in lep if lep_flavour[i] == lep_flavour[j] && lep_charge[i] != lep_charge[j]";

const queries: Query[] = [
  { name: "1", define: {}, fill: "MET_pt", bins: 100, low: 0, high: 2000 },
  { name: "2", define: {}, fill: "Jet_pt", bins: 100, low: 15, high: 60 },
  {
    name: "3",
    define: { central: "Jet_pt[abs(Jet_eta) < 1]" },
    fill: "central",
    bins: 100,
    low: 15,
    high: 60,
  },
  { name: "4", define: {}, cut: "sum(Jet_pt > 40) >= 2", fill: "MET_pt", bins: 100, low: 0, high: 2000 },
  {
    name: "5",
    define: {},
    cut: "any(Muon_charge[i] != Muon_charge[j] && 60 < mass(Muon[i], Muon[j]) < 120 for i < j in Muon)",
    fill: "MET_pt",
    bins: 100,
    low: 0,
    high: 2000,
  },
  ...["trijet_pt", "trijet_btag"].map((fill, i) => ({
    name: `6-${i + 1}`,
    define: {
      best: "argmin(abs(mass(Jet[i] + Jet[j] + Jet[k]) - 172.5) for i < j < k in Jet)",
      trijet_pt: "[pt(Jet[i] + Jet[j] + Jet[k]) for i < j < k in Jet][best]",
      trijet_btag: "[max(Jet_btag[i], Jet_btag[j], Jet_btag[k]) for i < j < k in Jet][best]",
    },
    cut: "nJet >= 3",
    fill,
    bins: 100,
    ...(i === 0 ? { low: 15, high: 40 } : { low: 0, high: 1 }),
  })),
  {
    name: "7",
    define: {
      near_electron:
        "[any(Electron_pt[l] > 10 && deltaR(Jet[i], Electron[l]) < 0.4 for l in Electron) for i in Jet]",
      near_muon: "[any(Muon_pt[l] > 10 && deltaR(Jet[i], Muon[l]) < 0.4 for l in Muon) for i in Jet]",
      kept: "[i for i in Jet if Jet_pt[i] > 30 && !near_electron[i] && !near_muon[i]]",
      jets: "Jet_pt[kept]",
      ht: "sum(jets)",
    },
    cut: "len(jets) > 0",
    fill: "ht",
    bins: 100,
    low: 15,
    high: 200,
  },
  {
    name: "8",
    define: {
      ...leptons,
      best: `argmin(abs(mass(lep[i], lep[j]) - 91.2) ${samePair})`,
      first: `[i ${samePair}][best]`,
      second: `[j ${samePair}][best]`,
      other: "argmax(where(position(lep_pt) == first || position(lep_pt) == second, -1, lep_pt))",
      mt: "transverseMass(MET_pt, MET_phi, lep_pt[other], lep_phi[other])",
    },
    cut: "len(lep_pt) >= 3 && !isnan(best)",
    fill: "mt",
    bins: 100,
    low: 15,
    high: 250,
  },
];

suite("benchmark queries", { skip }, () => {
  let entries = 0;
  const columns: Record<string, Column> = {};
  const shapes = new Map<string, Shape>();

  before(async () => {
    const file = await openTable(join(directory, "Run2012B_SingleMu-1000.parquet"));
    for (const { name, shape } of file.columns) if (shape) shapes.set(name, shape);
    for await (const chunk of file.chunks([...shapes.keys()], 1000)) {
      entries = chunk.entries;
      Object.assign(columns, chunk.columns);
    }
    await file.close();
  });

  for (const query of queries)
    test(`query ${query.name}`, () => {
      const scope: Scope = { columns: shapes };
      const definitions = compileDefinitions(query.define, scope);
      let chunk = definitions.apply({ entries, columns });
      if (query.cut !== undefined)
        chunk = keepEntries(chunk, compileCut(query.cut, definitions.scope).select(chunk));
      assert.deepEqual(histogram(chunk.columns[query.fill], chunk.entries, query), reference(query));
    });
});

/** Counts by bin centre in millionths; what lies below or above is counted half a bin outside. */
function histogram(column: Column, entries: number, { bins, low, high }: Query): Record<string, number> {
  const width = (high - low) / bins;
  const counts: Record<string, number> = {};
  for (let entry = 0; entry < entries; entry++)
    for (const value of [itemOf(column, entry)].flat() as number[]) {
      const bin = value < low ? -1 : value > high ? bins : Math.min(bins, Math.floor((value - low) / width));
      const centre = (low + (bin + 0.5) * width).toFixed(6);
      counts[centre] = (counts[centre] ?? 0) + 1;
    }
  return counts;
}

function reference({ name }: Query): Record<string, number> {
  const [, ...lines] = readFileSync(join(directory, "queries", `query-${name}`, "ref-1000.csv"), "utf8")
    .trim()
    .split("\n");
  return Object.fromEntries(
    lines.map((line) => {
      const [x, y] = line.split(",");
      return [Number(x).toFixed(6), Number(y)];
    }),
  );
}
