// Goes through every call of every scenario with every fault; `npm run faults` does all, the tests every so-manieth.

import { join } from "node:path";
import { type Fault, faults } from "./inject.ts";
import { afterKill, assertWhole, publisher, type Scenario, scenarios } from "./publication.ts";

interface Case {
  scenario: Scenario;
  fault: Fault;
  at: number;
  /** The call in words. */
  call: string;
}

/** Two at a time. Returns what was done, a line for each scenario and fault; throws at the first case that fails. */
export async function enumerate(
  directory: string,
  { stride, onProgress }: { stride: number; onProgress?: (done: number, total: number) => void },
): Promise<string[]> {
  const start = (name: string) => publisher(join(directory, name), join(directory, "compiled"));
  const cases: Case[] = [];
  const counts: string[] = [];
  const undisturbed = await start("undisturbed");
  const all = await scenarios(directory);
  for (const scenario of all) {
    const outcome = await undisturbed.run(scenario, "EIO", 0);
    await assertWhole(scenario, "EIO", outcome);
    if (scenario === all[0]) all.push(await afterKill(scenario, outcome.calls, undisturbed));
    for (const [i, fault] of faults.entries()) {
      const met = outcome.calls
        .filter(({ name, bytes }) => meets(fault, name, bytes))
        .filter((_, n) => n % stride === i % stride)
        .map(({ number, name, path }) => ({ scenario, fault, at: number, call: `${name} ${path}` }));
      cases.push(...met);
      counts.push(`${scenario.name}, ${fault}: ${met.length} of ${outcome.calls.length} calls`);
    }
  }
  await undisturbed.close();
  const publishers = await Promise.all(["one", "two"].map(start));
  try {
    let done = 0;
    const waiting = cases.values();
    const results = await Promise.allSettled(
      publishers.map(async (one) => {
        for (const each of waiting) {
          await tryCase(one, each);
          onProgress?.(++done, cases.length);
        }
      }),
    );
    for (const result of results) if (result.status === "rejected") throw result.reason;
    return counts;
  } finally {
    for (const one of publishers) await one.close();
  }
}

/** As inject.c has it: only a write of two bytes or more can be cut, and a full disk refuses only what takes space. */
function meets(fault: Fault, name: string, bytes: number): boolean {
  if (fault === "short write" || fault === "torn write") return bytes >= 2;
  const takesSpace =
    bytes > 0 || ["create", "mkdir", "link", "symlink", "ftruncate", "fallocate"].includes(name);
  return fault !== "full disk" || takesSpace;
}

async function tryCase(one: Awaited<ReturnType<typeof publisher>>, { scenario, fault, at, call }: Case) {
  try {
    const outcome = await one.run(scenario, fault, at);
    if (outcome.fired === 0) throw new Error("the fault befell nothing");
    await assertWhole(scenario, fault, outcome);
  } catch (error) {
    const what = `${scenario.name}: ${fault} at call ${at}, ${call}`;
    throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
  }
}
