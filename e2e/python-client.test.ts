// The Python client where jobs run: no network, nothing that can be written to, 64 of them at once on one snapshot under a
// lock; their sample is that of the command.

import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { readSafetensors } from "@driftline/client/safetensors";
import { driftlineJson, temporaryDirectory } from "./support.ts";

const python = fileURLToPath(new URL("../trainer/.venv/bin/python", import.meta.url));
const sources = fileURLToPath(new URL("../clients/python/src", import.meta.url));
const jobs = 64;
const rows = 700;

/** A network with nothing in it, and every mount that a job could write to read-only; then the program. */
const alone = [
  "--net",
  "--mount",
  "sh",
  "-c",
  'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && mount -o remount,ro,bind / && ' +
    '! touch "$0/x" 2>/dev/null && ! touch /tmp/x 2>/dev/null && exec "$@"',
];

// Prints the raw responses where it is the first job, and their digest in all others.
const job = `
import hashlib, pathlib, sys
import driftline
from driftline.safetensors import decode_safetensors

sys.stdin.readline()
place, inputs, run, number = sys.argv[1:]
catalogue = driftline.open(place, lock="mc")
model = catalogue.model("test.fast", run=int(run))
features = decode_safetensors(pathlib.Path(inputs).read_bytes(), inputs)["features"]
responses = model.generate(features, seed=7)
pieces = [model.generate(features[i : i + 7], seed=7, event=range(i, min(i + 7, len(features)))) for i in range(0, 70, 7)]
assert all((abs(piece - responses[i * 7 : i * 7 + 7]) <= 1e-6 + 1e-6 * abs(piece)).all() for i, piece in enumerate(pieces))
data = responses.tobytes()
sys.stdout.buffer.write(data if number == "0" else hashlib.sha256(data).hexdigest().encode())
`;

function start(directory: string, args: string[]): ChildProcess {
  return spawn("unshare", [...alone, directory, python, "-c", job, ...args], {
    env: { PATH: process.env.PATH, PYTHONPATH: sources, PYTHONDONTWRITEBYTECODE: "1", HOME: "/nonexistent" },
  });
}

async function ended(child: ChildProcess): Promise<{ code: number | null; out: Buffer; said: string }> {
  const [out, said]: [Buffer[], Buffer[]] = [[], []];
  child.stdout?.on("data", (piece: Buffer) => out.push(piece));
  child.stderr?.on("data", (piece: Buffer) => said.push(piece));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, out: Buffer.concat(out), said: Buffer.concat(said).toString() };
}

/** A trained model in a snapshot with a lock, and the command's sample under that lock. */
async function published(t: TestContext) {
  const directory = await temporaryDirectory(t);
  const here = { DRIFTLINE_DATA_DIR: join(directory, "data"), DRIFTLINE_CACHE_DIR: join(directory, "cache") };
  const run = <T>(args: string[]) => driftlineJson<T>(args, 0, here);
  await run(["ensure", "test.fast", "--wait"]);
  await writeFile(
    join(directory, "runs.csv"),
    "tag,first_run,last_run,drift_velocity [cm/us]\nmc,1,99,5.50\n",
  );
  await run(["runs", "import", join(directory, "runs.csv")]);
  const lock = join(directory, "campaign.lock");
  await run(["lock", "--tag", "mc", "--family", "test.fast", "--out", lock]);
  const snapshot = join(directory, "snapshot");
  await run(["snapshot", "--out", snapshot, "--tag", "mc"]);
  const sample = join(directory, "sample.safetensors");
  const asked = ["--lock", lock, "--run", "5", "--rows", String(rows), "--seed", "7"];
  await run(["generate", "test.fast", ...asked, "--out", sample]);
  return { directory, snapshot, sample };
}

const isRoot = spawnSync("unshare", [...alone, "/usr", "true"]).status === 0;

test("64 Python jobs on a read-only snapshot without a network give the command's sample", {
  skip: !isRoot && "needs the right to make namespaces and mounts (root on Linux)",
}, async (t) => {
  const { directory, snapshot, sample } = await published(t);
  const children = Array.from({ length: jobs }, (_, i) =>
    start(directory, [snapshot, sample, "5", String(i)]),
  );
  const answers = Promise.all(children.map(ended));
  // All at once.
  for (const child of children) child.stdin?.end("go\n");
  const [first, ...others] = await answers;
  assert.equal(first.code, 0, first.said);
  assert.equal(first.said, "", "a job has nothing to say on standard error");
  for (const { code, said } of others) assert.equal(code, 0, said);
  assert.equal(new Set(others.map(({ out }) => out.toString())).size, 1);
  const theirs = new Float32Array(new Uint8Array(first.out).buffer);
  const ours = (await readSafetensors(sample)).tensors.response.data as Float32Array;
  assert.equal(theirs.length, ours.length);
  for (let i = 0; i < ours.length; i++) {
    assert.ok(
      Math.abs(theirs[i] - ours[i]) <= 1e-6 + 1e-6 * Math.abs(ours[i]),
      `value ${i}: ${theirs[i]} in Python, ${ours[i]} by the command`,
    );
  }
  const lost = start(directory, [snapshot, sample, "100", "0"]);
  lost.stdin?.end("go\n");
  const { code, said } = await ended(lost);
  assert.notEqual(code, 0);
  assert.match(said, /run 100 of test\.fast.*1 to 99.*\[no_model\]/);
});
