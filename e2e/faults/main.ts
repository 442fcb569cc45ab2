// What the tests beside it do a part of, in full: `node e2e/faults/main.ts publication|kill|publishers` with options.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { enumerate } from "./enumerate.ts";
import { noInjector } from "./inject.ts";
import { killDuringEnsures } from "./kill.ts";
import { makeMemoryDirectory } from "./memoryDirectory.ts";
import { publishTogether } from "./publishers.ts";

const [what, ...rest] = process.argv.slice(2);
const { values } = parseArgs({
  args: rest,
  options: {
    family: { type: "string", default: "test.fast" },
    times: { type: "string", default: "200" },
    "at-once": { type: "string", default: "2" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    within: { type: "string" },
    hyperparameters: { type: "string" },
    seconds: { type: "string", default: "120" },
    stride: { type: "string", default: "1" },
  },
});
const directory =
  what === "publication" ? await makeMemoryDirectory() : await mkdtemp(join(tmpdir(), "driftline-faults-"));
const started = performance.now();

async function publication(): Promise<string[]> {
  const missing = noInjector();
  if (missing !== null) throw new Error(missing);
  return enumerate(directory, {
    stride: Number(values.stride),
    onProgress: (done, total) => {
      if (done % 50 === 0 || done === total) process.stderr.write(`${done} of ${total}\n`);
    },
  });
}

async function kill(): Promise<string[]> {
  process.stderr.write(`seed ${values.seed}\n`);
  let kills = 0;
  const report = await killDuringEnsures(join(directory, "data"), {
    family: values.family,
    times: Number(values.times),
    atOnce: Number(values["at-once"]),
    seed: Number(values.seed),
    withinSeconds: values.within === undefined ? undefined : Number(values.within),
    hyperparameters: values.hyperparameters === undefined ? undefined : JSON.parse(values.hyperparameters),
    onKill: ({ victim, seconds, running }) =>
      process.stderr.write(
        `${++kills} of ${values.times}: ${victim} after ${seconds.toFixed(2)} s, in ${running.join(" and ") || "no stage"}\n`,
      ),
  });
  const count = (victim: string) => report.kills.filter((each) => each.victim === victim).length;
  return [
    `${report.kills.length} kills (server ${count("server")}, worker ${count("worker")}, trainer ${count("trainer")}) ` +
      `in ${report.jobs} jobs, ${values["at-once"]} at once, all published` +
      (report.undisturbedSeconds === null
        ? ""
        : `; a round that is not disturbed takes ${report.undisturbedSeconds.toFixed(1)} s`),
  ];
}

const commands: Record<string, () => Promise<string[]>> = {
  publication,
  kill,
  publishers: async () => [
    await publishTogether(directory, { processes: 8, seconds: Number(values.seconds) }),
  ],
};

try {
  if (!(what in commands)) throw new Error(`there is no ${what}: ${Object.keys(commands).join(", ")}`);
  for (const line of await commands[what]()) process.stdout.write(`${line}\n`);
  process.stdout.write(`${((performance.now() - started) / 1000).toFixed(0)} s\n`);
} finally {
  await rm(directory, { recursive: true, force: true });
}
