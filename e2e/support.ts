// Drives the built command as a user does: runs it, reads what it printed, starts and stops servers.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { quickTrainings } from "./quickTrainings.ts";

const command = fileURLToPath(new URL("../packages/driftline/bin/main.mjs", import.meta.url));
/** Small families that train in seconds, for tests. */
export const testFamilies = fileURLToPath(new URL("./families", import.meta.url));
/** Public data files of experiments, which are not part of this project. */
export const sharedData =
  process.env.DRIFTLINE_TEST_DATA ?? fileURLToPath(new URL("../../shared/data", import.meta.url));

export interface Run {
  code: number | null;
  stdout: string;
  stderr: string;
}

export function start(args: string[], env: Record<string, string> = {}): ChildProcess {
  return spawn(process.execPath, [command, ...args], {
    env: { ...process.env, DRIFTLINE_FAMILIES: testFamilies, ...quickTrainings, ...env },
  });
}

/** Runs `driftline ...args` to its end. */
export function driftline(args: string[], env: Record<string, string> = {}): Promise<Run> {
  return finish(start(args, env));
}

export function finish(child: ChildProcess): Promise<Run> {
  return new Promise((resolve, reject) => {
    let stdout = "";
    let stderr = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

/** Runs with --json and returns what it printed; fails the test on another exit code than `code`. */
export async function driftlineJson<T>(
  args: string[],
  code = 0,
  env: Record<string, string> = {},
): Promise<T> {
  const run = await driftline([...args, "--json"], env);
  assert.equal(run.code, code, `driftline ${args.join(" ")}\n${run.stdout}\n${run.stderr}`);
  return JSON.parse(run.stdout) as T;
}

export async function temporaryDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "driftline-e2e-"));
  // Hooks run in the order in which they were given, and none after one that fails: a server of a failed test may
  // still be writing, and is to be stopped all the same.
  t.after(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }).catch(() => {}));
  return directory;
}

export interface Served {
  url: string;
  child: ChildProcess;
  /** SIGTERM, and wait for the end. */
  stop(): Promise<void>;
}

/** Starts `driftline serve` on a free port and waits until it says where it serves; it ends with the test. */
export async function serve(
  t: TestContext,
  dataDirectory: string,
  env: Record<string, string> = {},
  args: string[] = [],
): Promise<Served> {
  const served = await startServer(dataDirectory, env, args);
  t.after(served.stop);
  return served;
}

export async function startServer(
  dataDirectory: string,
  env: Record<string, string> = {},
  args: string[] = [],
): Promise<Served> {
  const child = start(["serve", "--data-dir", dataDirectory, "--http-port", "0", ...args], env);
  let output = "";
  const url = await new Promise<string>((resolve, reject) => {
    const read = (text: Buffer) => {
      output += text.toString();
      const found = /https?:\/\/[\d.]+:\d+/.exec(output);
      if (found) resolve(found[0]);
    };
    child.stdout?.on("data", read);
    child.stderr?.on("data", read);
    child.once("close", () => reject(new Error(`driftline serve ended: ${output}`)));
  });
  const stop = () =>
    new Promise<void>((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) return resolve();
      child.once("close", () => resolve());
      child.kill("SIGTERM");
    });
  return { url, child, stop };
}
