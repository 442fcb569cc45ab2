// Finds processes by what started them, and by the data directory that they use (proc(5)).

import assert from "node:assert/strict";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

export interface RunningProcess {
  pid: number;
  parent: number;
  command: string;
}

/** Children of `pid`, their children, and so on. */
export function descendants(pid: number): RunningProcess[] {
  const all = running();
  const found: RunningProcess[] = [];
  for (let parents = [pid]; parents.length > 0; ) {
    const children = all.filter(({ parent }) => parents.includes(parent));
    found.push(...children);
    parents = children.map((child) => child.pid);
  }
  return found;
}

/** The workers and trainers that a server or command has at the moment. */
export function workersAndTrainers(pid: number): { workers: number[]; trainers: number[] } {
  const below = descendants(pid);
  const those = (pattern: RegExp) =>
    below.filter(({ command }) => pattern.test(command)).map((each) => each.pid);
  return { workers: those(/lifecycle\/workers\/worker\.(ts|js)/), trainers: those(/driftline_trainer/) };
}

/** Processes that name `directory` on their command line or in their environment, or work below it; this one is left out. */
export function usersOf(directory: string): RunningProcess[] {
  return running().filter(({ pid, command }) => {
    if (pid === process.pid) return false;
    return (
      command.includes(directory) ||
      readOrEmpty(`/proc/${pid}/environ`).includes(directory) ||
      worksIn(pid, directory)
    );
  });
}

/** Asserts that none but `allowed` uses the directory, within `seconds`. */
export async function assertNoneLeft(directory: string, allowed: number[], seconds = 2): Promise<void> {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const left = usersOf(directory).filter(({ pid }) => !allowed.includes(pid));
    if (left.length === 0) return;
    if (performance.now() > deadline) {
      assert.fail(
        `left over after ${seconds} s: ${left.map(({ pid, command }) => `${pid} ${command}`).join("; ")}`,
      );
    }
    await sleep(50);
  }
}

function running(): RunningProcess[] {
  const found: RunningProcess[] = [];
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = readOrEmpty(`/proc/${entry}/stat`);
    // The command in field 2 may hold blanks and brackets.
    const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (stat === "" || state === "Z" || state === "X") continue;
    const command = readOrEmpty(`/proc/${entry}/cmdline`).replaceAll("\0", " ").trim();
    found.push({ pid: Number(entry), parent: Number(parent), command });
  }
  return found;
}

function worksIn(pid: number, directory: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`).startsWith(directory);
  } catch {
    return false;
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // It has ended, or is another user's.
    return "";
  }
}
