// How many questions a second a server answers, and how fast, from a catalogue of --models models of mpd.tpc (100,000).
// `npm run bench:resolve-http -- [--models N] [--seconds S] [--connections C]`; docs/performance.md has the figures.

import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { hit } from "@driftline/client/api";
import { openCatalogue } from "../packages/driftline/src/catalogue/catalogue.ts";
import { canonicalQuestion } from "../packages/driftline/src/family/question.ts";
import { conditionsOf, digestOf, family, fill } from "./catalogue.ts";
import { type Load, load } from "./resolve-http/load.ts";

const { values } = parseArgs({
  options: {
    models: { type: "string", default: "100000" },
    seconds: { type: "string", default: "15" },
    connections: { type: "string", default: "32" },
  },
});
const [models, seconds, connections] = [values.models, values.seconds, values.connections].map(Number);
const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** Starts a server and waits until it says where it listens. */
async function start(args: string[]): Promise<{ child: ChildProcess; url: URL }> {
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  for await (const piece of child.stderr!.setEncoding("utf8").iterator({ destroyOnReturn: false })) {
    said += piece;
    const found = /http:\/\/[\d.]+:\d+/.exec(said);
    if (!found) continue;
    child.stderr!.resume();
    return { child, url: new URL(found[0]) };
  }
  throw new Error(`the server ended: ${said}`);
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  await ended;
}

/** Microseconds of CPU that a process has taken, from Linux's /proc (clock ticks of 10 ms). */
function cpuMicroseconds({ pid }: ChildProcess): number {
  const [utime, stime] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ").slice(11, 13);
  return (Number(utime) + Number(stime)) * 10_000;
}

/** Ticks of 10 ms that all processors have spent at work, since the machine's start. */
function busyTicks(): number {
  const [user, nice, system, , , irq, softirq] = readFileSync("/proc/stat", "utf8")
    .split(/\s+/)
    .slice(1, 8)
    .map(Number);
  return user + nice + system + irq + softirq;
}

async function measure(what: string, args: string[], ask: Omit<Load, "url" | "connections" | "seconds">) {
  const { child, url } = await start(args);
  await load({ ...ask, url, connections, seconds: 3 });
  const before = cpuMicroseconds(child);
  const own = process.cpuUsage();
  const [busy, started] = [busyTicks(), performance.now()];
  const { answers, errors, perSecond, p50, p99, worst } = await load({ ...ask, url, connections, seconds });
  const server = cpuMicroseconds(child) - before;
  const { user, system } = process.cpuUsage(own);
  const others = (busyTicks() - busy) * 10_000 - server - user - system;
  const machine = (performance.now() - started) * 1000 * cpus().length;
  await stop(child);
  console.log(
    `  ${what.padEnd(34)} ${perSecond.toFixed(0).padStart(6)} answers/s  p50 ${p50.toFixed(2)} ms  p99 ${p99.toFixed(2)} ms` +
      `  worst ${worst.toFixed(1)} ms  errors ${errors}  server CPU ${(server / answers).toFixed(0)} us an answer` +
      `  other processes ${Math.max(0, (others / machine) * 100).toFixed(0)} % of the machine`,
  );
  return { errors };
}

console.log(
  `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? "unknown processor"}, load ${loadavg()[0].toFixed(1)}, ` +
    `${connections} connections, ${seconds} s after 3 s of warming up`,
);
const directory = await mkdtemp(join(tmpdir(), "driftline-bench-"));
try {
  const catalogue = await openCatalogue(directory);
  await fill(catalogue, models);
  await catalogue.close();
  console.log(`${models} models`);
  // 7919 is a prime: the questions jump through the whole table.
  const asked = Array.from({ length: Math.min(models, 50_000) }, (_, i) => (i * 7919) % models);
  const questions = asked.map((i) => JSON.stringify({ conditions: conditionsOf(i) }));
  const echo = await measure("bare fastify, JSON echoed", [path("./resolve-http/echo.ts")], {
    path: "/",
    bodies: questions,
    holds: questions,
    check: () => {},
  });
  const serve = [
    path("../packages/driftline/bin/main.mjs"),
    "serve",
    "--http-port",
    "0",
    "--data-dir",
    directory,
  ];
  const resolve = await measure("resolve", serve, {
    path: `/v1/families/${family.name}/resolve`,
    bodies: questions,
    holds: asked.map((i) => `"bundle":"${digestOf(i)}"`),
    check(body, n) {
      const i = asked[n % asked.length];
      const answer = hit.parse(JSON.parse(body));
      const { key } = canonicalQuestion(family, { conditions: conditionsOf(i) });
      if (answer.model.key !== key || answer.question.key !== key || answer.match !== "exact") {
        throw new Error(`question ${i} was answered with another model`);
      }
    },
  });
  if (echo.errors + resolve.errors > 0) process.exitCode = 1;
} finally {
  await rm(directory, { recursive: true });
}
