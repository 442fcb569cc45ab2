// Reading and matrices from ROOT files, ours and uproot's in turn, each case in a process of its own.
//
//   node bench/streaming.ts YARDSTICK_DIRECTORY DATA_DIRECTORY [rounds] [cores]
//
// YARDSTICK_DIRECTORY has yardstick.py and expected.json, DATA_DIRECTORY what make_files.py made. One core by default.

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";

const [yardstick, data, roundsText = "3", cores = "0"] = process.argv.slice(2);
if (!data || !existsSync(join(yardstick, "yardstick.py"))) {
  console.error("usage: node bench/streaming.ts YARDSTICK_DIRECTORY DATA_DIRECTORY [rounds] [cores]");
  process.exit(2);
}
const python = join(import.meta.dirname, "../trainer/.venv/bin/python");
const work = join(import.meta.dirname, "streaming/work.ts");
const expected = join(yardstick, "expected.json");

/** Ours, uproot's, decompression alone; the ratio of rates that is asked for. */
const comparisons: [ours: string, theirs: string, floor: string | null, asked: number | null][] = [
  ["raw_zlib1_all", "raw_zlib1_all", "dec_zlib", 1.2],
  ["raw_zlib1_it10k", "raw_zlib1_it10k", "dec_zlib", 1.2],
  ["raw_c4000_all", "raw_c4000_all", null, 1.2],
  ["raw_c4000_it10k", "raw_c4000_it10k", null, 1.2],
  ["raw_lz4_all", "raw_lz4_all", "dec_lz4", 2],
  ["raw_none_all", "raw_none_all", "dec_copy", 2],
  ["raw_none_it10k", "raw_none_it10k", "dec_copy", 2],
  ["raw_zlib1_4cols", "raw_zlib1_4cols", null, null],
  ["specs", "specs", null, null],
  ["matrix", "matrix_simple", null, 3],
  ["matrix", "matrix_fast", null, 1.5],
  ["matrix_lz4", "matrix_fast_lz4", null, 2],
  ["matrix_none", "matrix_fast_none", null, 2],
  ["matrix_1k", "matrix_fast_1k", null, null],
  ["matrix_first", "matrix_fast_1k", null, null],
  ["cuts", "cuts_fast", null, 1.5],
];

interface Run {
  seconds: number;
  events: number;
  peak: number;
}

function run(command: string, args: string[]): Run | null {
  try {
    const printed = execFileSync("taskset", ["-c", cores, command, ...args], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, UV_THREADPOOL_SIZE: cores.includes(",") || cores.includes("-") ? "4" : "1" },
    });
    const result = JSON.parse(printed.trim().split("\n").at(-1)!);
    return { seconds: result.seconds, events: result.events, peak: result.peakMB ?? result.peak_rss_MB };
  } catch (error) {
    process.stderr.write(`${args.join(" ")}: ${(error as Error).message.split("\n").slice(-3).join(" ")}\n`);
    return null;
  }
}

const best = new Map<string, Run>();
const keep = (key: string, found: Run | null) => {
  const known = best.get(key);
  if (found && (!known || found.seconds < known.seconds)) best.set(key, found);
};
const ours = (name: string) => run(process.execPath, [work, data, name, expected]);
const theirs = (name: string) =>
  run(python, [join(yardstick, "yardstick.py"), "--data", data, "--case", name]);

if (!ours("check")) process.exit(1);
for (let round = 0; round < Number(roundsText); round++)
  for (const [own, other, floor] of comparisons) {
    keep(own, ours(own));
    keep(`uproot ${other}`, theirs(other));
    if (floor) keep(`uproot ${floor}`, theirs(floor));
    process.stderr.write(`round ${round + 1}: ${own}\n`);
  }

console.log(`Node ${process.version}, ${cpus()[0].model}, cores ${cores}, load ${loadavg()[0].toFixed(1)}`);
console.log(`Output equal to the expected checksums. Fastest of ${roundsText}.`);
console.log("| ours | s | events/s | peak, MB | uproot | s | ratio | asked | of the decompression floor |");
console.log("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
for (const [own, other, floor, asked] of comparisons) {
  const [a, b] = [best.get(own), best.get(`uproot ${other}`)];
  const c = floor && best.get(`uproot ${floor}`);
  if (!a) continue;
  const ratio = b ? (a.events / a.seconds / (b.events / b.seconds)).toFixed(2) : "–";
  console.log(
    `| \`${own}\` | ${a.seconds.toFixed(3)} | ${Math.round(a.events / a.seconds)} | ${a.peak} | \`${other}\` | ${b?.seconds.toFixed(3) ?? "–"} | ${ratio} | ${asked ?? "–"} | ${c ? (c.seconds / a.seconds).toFixed(2) : "–"} |`,
  );
}
