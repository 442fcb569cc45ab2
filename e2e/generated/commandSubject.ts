// What generated command lines are run on: a catalogue, a server of it, files to read, and this process in an empty folder as their user.

import assert from "node:assert/strict";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { captured } from "../../packages/driftline/src/cli/testing.ts";
import { loadConfiguration } from "../../packages/driftline/src/config/configuration.ts";
import { openPlatform } from "../../packages/driftline/src/lifecycle/platform.ts";
import { listen } from "../../packages/driftline/src/server/server.ts";
import { makeCatalogue } from "./catalogue.ts";
import type { CommandSubject } from "./commandValues.ts";

/** A catalogue, files to read, and this process as the user of both. */
export async function startCommandSubject(
  t: Pick<TestContext, "after">,
  directory: string,
): Promise<CommandSubject> {
  const python = join(directory, "python.sh");
  await writeFile(python, "#!/bin/sh\necho Python for tests\n");
  await chmod(python, 0o755);
  const catalogue = await makeCatalogue(directory, python);
  const work = join(directory, "work");
  await mkdir(join(directory, "home"));
  await mkdir(work);
  const before = process.cwd();
  t.after(() => process.chdir(before));
  Object.assign(process.env, catalogue.environment, { HOME: join(directory, "home") });
  process.chdir(work);
  const files: [string, string][] = [
    ["text.yaml", "threads: 1\n"],
    ["unknown.yaml", "thread: 1\n"],
    ["broken.yaml", "threads: [1\n"],
    ["responses.root", "no ROOT file"],
    ["responses.parquet", "PAR1 no Parquet file PAR1"],
    ["inputs.safetensors", "\x10\0\0\0\0\0\0\0no safetensors file"],
    ["empty", ""],
    ["runs.csv", "tag,first_run,last_run,drift_velocity\nmc,1,9,5.5\n"],
  ];
  for (const [name, text] of files) await writeFile(name, text);
  const platform = await openPlatform(loadConfiguration({ environment: catalogue.environment }));
  const server = await listen({ driftline: platform, host: "127.0.0.1", port: 0 });
  t.after(async () => {
    await server.close();
    await platform.close();
  });
  const jobs = [await newJob("1"), await newJob("2")];
  const [snapshot, lock] = [join(directory, "snapshot"), join(directory, "campaign.lock")];
  await done("runs", "import", "runs.csv");
  await done("lock", "--tag", "mc", "--family", "test.tiny", "--out", lock);
  await done("snapshot", "--out", snapshot, "--tag", "mc");
  return {
    catalogue,
    jobs,
    snapshot,
    lock,
    readable: [...files.map(([name]) => name), work],
    server: server.url,
    urls: [
      server.url,
      server.url,
      await closedUrl(),
      "nonsense",
      "ftp://127.0.0.1",
      "http://user:word@127.0.0.1:1",
      "http://",
    ],
  };
}

async function done(...args: string[]): Promise<void> {
  const { code, stdout, stderr } = await captured(args);
  assert.equal(code, 0, stdout + stderr);
}

async function newJob(seed: string): Promise<string> {
  const { code, stdout, stderr } = await captured(["ensure", "test.tpc", "--seed", seed, "--json"]);
  assert.equal(code, 0, stdout + stderr);
  return (JSON.parse(stdout) as { id: string }).id;
}

/** An address of this machine at which nothing listens any more. */
async function closedUrl(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}
