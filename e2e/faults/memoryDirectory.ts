// A scratch directory in memory where there is one: the calls are what is tested, and no disk makes them wait.

import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

export async function makeMemoryDirectory(): Promise<string> {
  return mkdtemp(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "driftline-faults-"));
}

/** Gone when the test has ended. */
export async function memoryDirectory(t: TestContext): Promise<string> {
  const directory = await makeMemoryDirectory();
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}
