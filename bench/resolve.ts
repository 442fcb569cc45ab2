// How long resolution takes with 1,000 and 100,000 models of mpd.tpc: exact, compatible, and a miss explained.
// `node bench/resolve.ts [models ...]`; docs/performance.md has the figures.

import { mkdtemp, rm } from "node:fs/promises";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { openCatalogue } from "../packages/driftline/src/catalogue/catalogue.ts";
import type { BundleRow } from "../packages/driftline/src/catalogue/tables.ts";
import type { Family, Question } from "../packages/driftline/src/family/family.ts";
import { loadFamily } from "../packages/driftline/src/family/loadFamily.ts";
import { canonicalQuestion } from "../packages/driftline/src/family/question.ts";

const family = loadFamily(new URL("../families/mpd.tpc/family.yaml", import.meta.url).pathname);

/** Different conditions for each i: a lattice in four of them, with steps beyond the tolerances. */
function conditionsOf(i: number): Record<string, string> {
  return {
    drift_velocity: `${(300 + (i % 40) * 12) / 100} cm/us`,
    transverse_diffusion: `${50 + (Math.floor(i / 40) % 50) * 11}`,
    mip_amplitude: `${20 + (Math.floor(i / 2000) % 50) * 9}`,
    magnetic_field: Math.floor(i / 100_000) % 2 === 0 ? "0.5 T" : "0.4 T",
  };
}

/** A row as publishing writes it. Resolution reads no blob, so the bundles have none. */
function rowOf(question: Question, i: number): BundleRow {
  const conditions: Record<string, object> = {};
  for (const condition of family.conditions) {
    if (condition.kind === "label") continue;
    const own = Number(question.conditions[condition.name]);
    const tolerance = Number(condition.tolerance);
    conditions[condition.name] = {
      low: own - tolerance,
      high: own + tolerance,
      unit: condition.unit,
      tested: true,
    };
  }
  const inputs = Object.fromEntries(
    family.inputs.map(({ name, low, high, unit }) => [name, { low, high, unit, tested: true }]),
  );
  return {
    digest: i.toString(16).padStart(8, "0").repeat(8),
    key: question.key,
    recipe_hash: i.toString(16).padStart(64, "0"),
    family: family.name,
    family_version: family.version,
    data_source: "simulator",
    size: 1_000_000,
    created_at: new Date(1_700_000_000_000 + i).toISOString(),
    conditions_json: JSON.stringify(question.conditions),
    software_json: JSON.stringify(question.software),
    domain_json: JSON.stringify({ conditions, inputs }),
  };
}

async function fill(catalogue: Awaited<ReturnType<typeof openCatalogue>>, models: number): Promise<void> {
  for (let first = 0; first < models; first += 500) {
    const rows = Array.from({ length: Math.min(500, models - first) }, (_, j) =>
      rowOf(canonicalQuestion(family, { conditions: conditionsOf(first + j) }), first + j),
    );
    await catalogue.database.write(async (trx) => {
      await trx.insertInto("bundles").values(rows).execute();
      const bindings = rows.map(({ key, digest, family: name, family_version, created_at }) => ({
        key,
        family: name,
        family_version,
        bundle: digest,
        action: "serve",
        reason: "benchmark",
        created_at,
      }));
      await trx.insertInto("bindings").values(bindings).execute();
    });
  }
}

/** Times calls: wall time of each, and the process's CPU time, which other work on the machine disturbs less. */
async function time(count: number, call: (i: number) => Promise<void>) {
  const wallMs: number[] = [];
  const before = process.cpuUsage();
  for (let i = 0; i < count; i++) {
    const started = performance.now();
    await call(i);
    wallMs.push(performance.now() - started);
  }
  const { user, system } = process.cpuUsage(before);
  return { wallMs: wallMs.sort((a, b) => a - b), cpuMs: (user + system) / 1000 / count };
}

function print(what: string, { wallMs, cpuMs }: Awaited<ReturnType<typeof time>>): void {
  const at = (fraction: number) => wallMs[Math.min(wallMs.length - 1, Math.floor(fraction * wallMs.length))];
  const show = (ms: number) => (ms < 1 ? `${(ms * 1000).toFixed(1)} us` : `${ms.toFixed(2)} ms`).padStart(10);
  console.log(`  ${what.padEnd(50)} p50 ${show(at(0.5))}  p99 ${show(at(0.99))}  CPU ${show(cpuMs)}`);
}

async function bench(models: number): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "driftline-bench-"));
  try {
    const catalogue = await openCatalogue(directory);
    await fill(catalogue, models);
    console.log(`${models} models`);
    const ask = async (given: Family, conditions: Record<string, string>, accept: "exact" | "compatible") =>
      catalogue.resolve(canonicalQuestion(given, { conditions }), given, accept);
    const expect = (right: boolean) => {
      if (!right) throw new Error("resolution gave another answer than the benchmark is about");
    };
    // 7919 is a prime: the questions jump through the whole table.
    const exact = async (i: number) => {
      const answer = await ask(family, conditionsOf((i * 7919) % models), "exact");
      expect(answer.found && answer.match === "exact");
    };
    await time(2000, exact);
    print("exact, canonicalisation included", await time(20_000, exact));

    const near = (i: number) => ({ ...conditionsOf((i * 7919) % models), shaping_width: "192 ns" });
    const compatible = async (i: number) => {
      const answer = await ask(family, near(i), "compatible");
      expect(answer.found && answer.match === "compatible");
    };
    print("first compatible question, which reads the index", await time(1, compatible));
    await time(20, compatible);
    print("compatible", await time(200, compatible));
    const miss = async (i: number) => {
      const answer = await ask(
        family,
        { ...conditionsOf((i * 7919) % models), noise: "5 ADC" },
        "compatible",
      );
      expect(!answer.found && answer.nearest.length === 3);
    };
    await time(20, miss);
    print("miss with the three nearest, explained", await time(200, miss));
    await catalogue.close();
  } finally {
    await rm(directory, { recursive: true });
  }
}

console.log(
  `Node ${process.version}, ${cpus()[0]?.model ?? "unknown processor"}, load ${loadavg()[0].toFixed(1)}`,
);
const sizes = process.argv.slice(2).map(Number);
for (const models of sizes.length > 0 ? sizes : [1000, 100_000]) await bench(models);
