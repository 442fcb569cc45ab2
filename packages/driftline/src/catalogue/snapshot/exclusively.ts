// One publisher at a time in a directory: pruning must not take what another is about to name.

import { open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { fail } from "../../errors/registry.ts";

/** How a process is named in the mark, and whether one that was named is surely dead. */
export interface Exclusion {
  self: object;
  isDead(holder: unknown): boolean;
}

const mark = ".publishing";

/** Runs `work` while nobody else publishes there. Throws `busy`. */
export async function exclusively<R>(
  directory: string,
  { self, isDead }: Exclusion,
  work: () => Promise<R>,
): Promise<R> {
  const path = join(directory, mark);
  if (!(await take(path, self))) {
    const holder = await readFile(path, "utf8").then(parse, () => null);
    if (holder === null || !isDead(holder)) throw busy(path);
    // Whose rename succeeds removes the dead one's mark; another's fails, or takes a mark that is not the dead one's.
    const aside = `${path}.${process.pid}`;
    await rename(path, aside).catch(() => {
      throw busy(path);
    });
    const taken = await readFile(aside, "utf8").then(parse, () => null);
    if (taken === null || !isDead(taken)) {
      await rename(aside, path);
      throw busy(path);
    }
    await rm(aside, { force: true });
    if (!(await take(path, self))) throw busy(path);
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function take(path: string, self: object): Promise<boolean> {
  try {
    const file = await open(path, "wx");
    await file.writeFile(JSON.stringify(self));
    await file.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

function busy(path: string) {
  return fail("busy", `Publishing a snapshot: another process does so there; its mark is ${path}.`, {
    remedy: "Wait for it. Where it ran on another machine and is dead, remove the mark.",
  });
}
