// The directories of jobs: an attempt takes over what the one before left, and what nobody needs any more is removed.

import { lstat, mkdir, readdir, realpath, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { endProcesses } from "../../training/processes.ts";
import type { JobStore } from "../jobs/jobStore.ts";
import { trainDirectory } from "../stages/train.ts";

const dayMs = 24 * 3600 * 1000;

/** The directory of all jobs' files, by its one true path: processes of an attempt are found by it. */
export async function jobsDirectory(dataDirectory: string): Promise<string> {
  const path = join(dataDirectory, "jobs");
  await mkdir(path, { recursive: true });
  return realpath(path);
}

const prefix = "attempt-";

/** What the marks of all processes of an attempt begin with, or of all attempts of a job. */
export function markOf(jobDirectory: string, attempt?: number): string {
  return attempt === undefined ? join(jobDirectory, prefix) : `${attemptDirectory(jobDirectory, attempt)}/`;
}

export function attemptDirectory(jobDirectory: string, attempt: number): string {
  return join(jobDirectory, `${prefix}${attempt}`);
}

/**
 * Makes the directory of an attempt. Processes of earlier attempts are ended first; the trainer's directory of the latest
 * is taken over with its checkpoint, and the rest is removed.
 */
export async function beginAttempt(jobDirectory: string, attempt: number): Promise<string> {
  await endProcesses(markOf(jobDirectory));
  const directory = attemptDirectory(jobDirectory, attempt);
  await mkdir(directory, { recursive: true });
  const earlier = (await attemptsIn(jobDirectory)).filter((number) => number !== attempt);
  for (const number of earlier.sort((a, b) => b - a)) {
    const left = join(attemptDirectory(jobDirectory, number), trainDirectory);
    const state = await lstat(left).catch(() => null);
    // Fails where a later attempt's is there already, which is the one to keep.
    if (state?.isDirectory()) await rename(left, join(directory, trainDirectory)).catch(() => {});
    await rm(attemptDirectory(jobDirectory, number), { recursive: true, force: true });
  }
  return directory;
}

/** Removes attempts of jobs that have ended, with their processes, and directories of jobs that ended long ago. */
export async function removeAbandoned(jobs: string, store: JobStore, keptDays: number): Promise<void> {
  const names = await readdir(jobs).catch(() => []);
  // Asked after the directories were listed: a job is recorded before its directory is made.
  const unfinished = await store.unfinishedIds();
  for (const id of names.filter((name) => !unfinished.has(name))) {
    const directory = join(jobs, id);
    await removeAttempts(directory);
    const changed = await stat(directory).catch(() => null);
    if (changed?.isDirectory() && Date.now() - changed.mtimeMs > keptDays * dayMs) {
      await store.forgetReport(id);
      await rm(directory, { recursive: true, force: true });
    }
  }
}

/** Removes what attempts of an ended job left, with their processes. */
export async function removeAttempts(jobDirectory: string): Promise<void> {
  for (const attempt of await attemptsIn(jobDirectory)) {
    await endProcesses(markOf(jobDirectory, attempt));
    await rm(attemptDirectory(jobDirectory, attempt), { recursive: true, force: true });
  }
}

async function attemptsIn(jobDirectory: string): Promise<number[]> {
  const names = await readdir(jobDirectory).catch(() => []);
  return names.filter((name) => /^attempt-\d+$/.test(name)).map((name) => Number(name.slice(prefix.length)));
}
