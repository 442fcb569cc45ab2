// Hours of mixed load on one server, and what its memory does: `npm run soak -- [--minutes 60] [--clients 8]`.
//
// Clients ask, explain misses, pull, read ranges, follow events and hang up, begin and cancel jobs, and send rubbish.
// It prints the resident memory of the server each minute and the slope over the second half.

import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { connect, type Driftline } from "@driftline/client";
import { randomFrom } from "./faults/random.ts";
import { makeCatalogue, type TestCatalogue } from "./generated/catalogue.ts";
import { startServer } from "./support.ts";

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "60" }, clients: { type: "string", default: "8" } },
});
const minutes = Number(values.minutes);
const sampleMs = 10_000;

type Work = (driftline: Driftline, url: string, catalogue: TestCatalogue, i: number) => Promise<void>;

const works: Record<string, Work> = {
  async exact(driftline, _url, { bundles }, i) {
    const { family, conditions, software } = bundles[i % bundles.length];
    await driftline.resolve(family, { conditions, software });
  },
  async miss(driftline, _url, _catalogue, i) {
    const drift_velocity = `${(4 + (i % 300) / 100).toFixed(2)} cm/us`;
    await driftline.resolve("test.tpc", { conditions: { drift_velocity }, accept: "compatible" });
  },
  async list(driftline) {
    await Array.fromAsync(driftline.models());
    await driftline.families();
    await Array.fromAsync(driftline.jobs());
  },
  async pull(_driftline, url, { bundles }, i) {
    const { digest } = bundles[i % bundles.length];
    await (await fetch(`${url}/v1/models/${digest}/bundle.tar`)).arrayBuffer();
  },
  async range(_driftline, url, { bundles }, i) {
    const { digest, files } = bundles[i % bundles.length];
    const headers = { range: `bytes=${i % 7}-` };
    await (await fetch(`${url}/v1/models/${digest}/files/${files[0].path}`, { headers })).arrayBuffer();
  },
  async hangUp(_driftline, url, { bundles }, i) {
    const { digest } = bundles[i % bundles.length];
    const stop = new AbortController();
    const response = await fetch(`${url}/v1/models/${digest}/bundle.tar`, { signal: stop.signal });
    await response.body?.getReader().read();
    stop.abort();
  },
  async job(driftline, _url, _catalogue, i) {
    const { job } = await driftline.ensure("test.tpc", { rows: 100, seed: 1 + (i % 1_000_000) });
    if (!job) return;
    const stop = new AbortController();
    const events = driftline.events(job.id, { signal: stop.signal })[Symbol.asyncIterator]();
    const first = events.next().catch(() => {});
    await driftline.cancel(job.id);
    await first;
    stop.abort();
  },
  async rubbish(_driftline, url, _catalogue, i) {
    const bodies = ["{", '{"conditions":{"drift_velocity":"5 kg"}}', "[".repeat(1000), '{"colour":1}'];
    const response = await fetch(`${url}/v1/families/test.tpc/resolve`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: bodies[i % bodies.length],
    });
    if (response.status < 400) throw new Error(`rubbish was answered with ${response.status}`);
    await response.arrayBuffer();
  },
};

const directory = await mkdtemp(join(tmpdir(), "driftline-soak-"));
const trainer = join(directory, "trainer.sh");
// Jobs wait for ever behind one whose trainer does nothing: it is the server that is looked at.
await writeFile(trainer, '#!/bin/sh\ncase "$*" in *--check*) exit 0 ;; esac\nexec cat >/dev/null\n');
await chmod(trainer, 0o755);
const catalogue = await makeCatalogue(directory, trainer);
const server = await startServer(catalogue.dataDirectory, catalogue.environment);
const driftline = connect(server.url);
const quick = Object.keys(works).filter((name) => name !== "job");
const random = randomFrom(1);
const counts: Record<string, number> = {};
const end = Date.now() + minutes * 60_000;
let failures = 0;

async function client(first: number): Promise<void> {
  for (let i = first; Date.now() < end; i += Number(values.clients)) {
    // Jobs are records that stay: few of them, so that their number does not look like a leak.
    const name = i % 200 === 0 ? "job" : quick[Math.floor(random() * quick.length)];
    const work = works[name];
    try {
      await work(driftline, server.url, catalogue, i);
      counts[name] = (counts[name] ?? 0) + 1;
    } catch (error) {
      failures++;
      if (failures < 10) process.stderr.write(`${name}: ${(error as Error).message}\n`);
    }
    // As fast as answers come, the load generator would take the cores from the server.
    await sleep(2);
  }
}

async function residentMiB(): Promise<number> {
  const status = await readFile(`/proc/${server.child.pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}

const samples: { minute: number; mib: number }[] = [];
async function watch(): Promise<void> {
  const begun = Date.now();
  while (Date.now() < end) {
    await sleep(Math.min(sampleMs, Math.max(end - Date.now(), 1)));
    samples.push({ minute: (Date.now() - begun) / 60_000, mib: await residentMiB() });
    if (samples.length % 6 === 0) {
      const { minute, mib } = samples[samples.length - 1];
      const done = Object.values(counts).reduce((sum, count) => sum + count, 0);
      process.stderr.write(`${minute.toFixed(0)} min  ${mib.toFixed(0)} MiB  ${done} pieces of work\n`);
    }
  }
}

try {
  await Promise.all([watch(), ...Array.from({ length: Number(values.clients) }, (_, i) => client(i))]);
  const ready = await fetch(`${server.url}/readyz`);
  const half = samples.slice(samples.length >> 1);
  const mean = (of: (sample: (typeof samples)[0]) => number) =>
    half.reduce((sum, sample) => sum + of(sample), 0) / half.length;
  const [minute, mib] = [mean((sample) => sample.minute), mean((sample) => sample.mib)];
  const slope =
    mean((sample) => (sample.minute - minute) * (sample.mib - mib)) /
    mean((sample) => (sample.minute - minute) ** 2);
  process.stdout.write(
    `${minutes} minutes, ${values.clients} clients: ${JSON.stringify(counts)}, ${failures} failures; ready: ${ready.status}\n` +
      `memory: first ${samples[0].mib.toFixed(0)} MiB, mean of the second half ${mib.toFixed(0)} MiB, ` +
      `slope there ${(slope * 60).toFixed(1)} MiB/h\n`,
  );
} finally {
  await driftline.close();
  await server.stop();
  await rm(directory, { recursive: true, force: true });
}
