// The process that faults befall: opens a catalogue and publishes one bundle, each time it is told to on standard input.

import { readdirSync, readFileSync, readlinkSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { openCatalogue } from "../../packages/driftline/src/catalogue/catalogue.ts";
import { DriftlineError } from "../../packages/driftline/src/errors/registry.ts";

export interface Order {
  dataDirectory: string;
  /** Directory of the bundle to publish. */
  bundle: string;
}

/** What it says, one JSON object a line; `done` ends an order. */
export type Said =
  | { said: "ready" | "opened" | "closed" | "done" }
  | { said: "acknowledged"; bundle: string; calls: number }
  | { said: "left open"; path: string }
  | { said: "failed"; doing: string; code: string; message: string };

// Written at once, so that nothing that was said is lost with the process.
const say = (said: Said) => writeSync(1, `${JSON.stringify(said)}\n`);

/** Tries twice: a fault that has passed must not have spoilt the process for what comes after. */
async function twice<R>(doing: string, work: () => Promise<R>): Promise<R | undefined> {
  for (let attempt = 1; attempt <= 2; attempt++) {
    try {
      return await work();
    } catch (error) {
      const { message } = error as Error;
      const code = error instanceof DriftlineError ? error.code : String((error as { code?: unknown }).code);
      say({ said: "failed", doing, code, message });
    }
  }
  return undefined;
}

/** The counter of inject.c. */
function callsSoFar(): number {
  return Number(readFileSync(process.env.FAULTS_CONTROL!).readBigUInt64LE());
}

async function carryOut({ dataDirectory, bundle }: Order): Promise<void> {
  const catalogue = await twice("open", () => openCatalogue(dataDirectory));
  if (catalogue === undefined) return;
  say({ said: "opened" });
  const published = await twice("publish", () => catalogue.publish({ directory: bundle, reason: "test" }));
  if (published) say({ said: "acknowledged", bundle: published.model.bundle, calls: callsSoFar() });
  await twice("close", () => catalogue.close());
  say({ said: "closed" });
}

/** Files below a directory that this process still has open. */
function openFiles(directory: string): string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`);
      return path.startsWith(directory) ? [path] : [];
    } catch {
      // The one that lists them.
      return [];
    }
  });
}

say({ said: "ready" });
for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line) as Order;
  await carryOut(order);
  for (const path of openFiles(order.dataDirectory)) say({ said: "left open", path });
  say({ said: "done" });
}
