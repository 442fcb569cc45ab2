// One of several processes that publish into one data directory at once: bundles of its own, shared ones, and rivals for a key.

import { openCatalogue } from "../../packages/driftline/src/catalogue/catalogue.ts";
import { ask, makeBundle, testFamily } from "../../packages/driftline/src/catalogue/testing.ts";
import { pick, randomFrom } from "./random.ts";

export interface Acknowledged {
  kind: "own" | "shared" | "rival";
  bundle: string;
  key: string;
  ms: number;
}

const [directory, number, seconds] = process.argv.slice(2);
const own = Number(number);
const random = randomFrom(own);
const catalogue = await openCatalogue(directory);
process.stdout.write("ready\n");
await new Promise((resolve) => process.stdin.once("data", resolve));

const makers = {
  // A key that no other process uses.
  own: (i: number) => makeBundle(ask({ magnetic_field: String(own * 100 + i / 100) })),
  // The same bundle as the other processes.
  shared: () => makeBundle(ask({ transverse_diffusion: String(100 + Math.floor(random() * 50)) })),
  // The same key as the other processes, another bundle.
  rival: (i: number) =>
    makeBundle(ask({ drift_velocity: String(5 + Math.floor(random() * 5)) }), { salt: `${own}-${i}` }),
};

const end = performance.now() + Number(seconds) * 1000;
for (let i = 0; performance.now() < end; i++) {
  const kind = pick(random, ["own", "shared", "rival"] as const);
  const bundle = makers[kind](i);
  const started = performance.now();
  await catalogue.publish({ ...bundle, reason: `process ${own}` });
  const ms = performance.now() - started;
  const answer = await catalogue.resolve(bundle.question, testFamily, "exact");
  if (!answer.found) throw new Error(`${bundle.digest} was published and its key has no model`);
  if (kind !== "rival" && answer.model.bundle !== bundle.digest)
    throw new Error(`${bundle.digest} does not serve`);
  const line: Acknowledged = { kind, bundle: bundle.digest, key: bundle.question.key, ms };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
await catalogue.close();
process.exit(0);
