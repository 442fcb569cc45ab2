// Faults below what SQLite and Node do: compiles inject.c, says what a process must be started with, arms it, reads its log.

import { spawnSync } from "node:child_process";
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { realpath } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Numbered from 1 as in inject.c. */
export const faults = [
  "kill before",
  "kill after",
  "torn write",
  "ENOSPC",
  "EIO",
  "short write",
  "full disk",
] as const;
export type Fault = (typeof faults)[number];

/** A call that changed a file below the directory, or tried to. */
export interface Call {
  number: number;
  name: string;
  /** Of a call that writes; 0 otherwise. */
  bytes: number;
  path: string;
  /** The old name in a rename or link, as it was given; otherwise empty. */
  from: string;
}

export interface Injector {
  /** What the process to be tested is started with, beside its own environment. */
  environment: Record<string, string>;
  /** Counts from 0 again and lets `fault` befall call number `at`; 0 only counts. */
  arm(fault: Fault, at: number): void;
  /** How often the fault befell a call. */
  fired(): number;
  /** The calls of all processes since the log was last taken. */
  takeCalls(): Call[];
  /** Sets how far the clock of all processes is ahead of the true time. */
  shiftClock(seconds: number): void;
  close(): void;
}

let library: string | undefined;

/** Null, or why no faults can be injected here: a test is skipped with it. */
export function noInjector(): string | null {
  if (process.platform !== "linux") return "faults are injected on Linux only";
  const found = spawnSync("cc", ["--version"]).status === 0;
  return found ? null : "there is no C compiler `cc` to build the fault injector with: bash e2e/install.sh";
}

/** Compiled once a process, and gone with it. */
function compiled(): string {
  if (library !== undefined) return library;
  const directory = mkdtempSync(join(tmpdir(), "driftline-inject-"));
  process.on("exit", () => rmSync(directory, { recursive: true, force: true }));
  const output = join(directory, "inject.so");
  const source = fileURLToPath(new URL("./inject.c", import.meta.url));
  const flags = ["-std=gnu17", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"];
  const run = spawnSync("cc", [...flags, "-o", output, source, "-ldl"], { encoding: "utf8" });
  if (run.status !== 0) throw new Error(`cc ${source}: ${run.stderr}`);
  library = output;
  return output;
}

const [countAt, callAt, faultAt, firedAt, clockAt] = [0, 8, 16, 24, 32];

/** Faults for calls on files below `directory`, which must exist. */
export async function injector(directory: string): Promise<Injector> {
  const scratch = mkdtempSync(join(tmpdir(), "driftline-inject-"));
  const log = join(scratch, "calls");
  const controlPath = join(scratch, "control");
  writeFileSync(log, "");
  writeFileSync(controlPath, Buffer.alloc(40));
  const control = openSync(controlPath, "r+");
  const set = (offset: number, value: bigint) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(value);
    writeSync(control, bytes, 0, 8, offset);
  };
  return {
    environment: {
      LD_PRELOAD: compiled(),
      FAULTS_BELOW: await realpath(directory),
      FAULTS_CONTROL: controlPath,
      FAULTS_LOG: log,
      // One thread does all file calls of Node, so that they have one order.
      UV_THREADPOOL_SIZE: "1",
    },
    arm(fault, at) {
      set(callAt, 0n);
      set(countAt, 0n);
      set(firedAt, 0n);
      set(faultAt, BigInt(faults.indexOf(fault) + 1));
      set(callAt, BigInt(at));
    },
    fired() {
      const bytes = Buffer.alloc(8);
      readSync(control, bytes, 0, 8, firedAt);
      return Number(bytes.readBigUInt64LE());
    },
    takeCalls() {
      const lines = readFileSync(log, "utf8").split("\n").slice(0, -1);
      writeFileSync(log, "");
      return lines.map((line) => {
        const [number, name, bytes, path, from] = line.split("\t");
        return { number: Number(number), name, bytes: Number(bytes), path, from };
      });
    },
    shiftClock: (seconds) => set(clockAt, BigInt(seconds) * 1_000_000_000n),
    close() {
      closeSync(control);
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}
