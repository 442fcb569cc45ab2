// How long resolution takes with 1,000 and 100,000 models of mpd.tpc: exact, compatible, and a miss explained.
// `node bench/resolve.ts [models ...]`; docs/performance.md has the figures.

import { mkdtemp, rm } from "node:fs/promises";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { openCatalogue } from "../packages/driftline/src/catalogue/catalogue.ts";
import type { Family } from "../packages/driftline/src/family/family.ts";
import { canonicalQuestion } from "../packages/driftline/src/family/question.ts";
import { conditionsOf, family, fill } from "./catalogue.ts";

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
