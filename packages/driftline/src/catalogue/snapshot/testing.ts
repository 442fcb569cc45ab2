// What tests of snapshots share: publishing one of the test family, and changing its files as damage would.

import { chmod, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type FamilyFile, familyFormat } from "@driftline/client/snapshot/format";
import type { Family } from "../../family/family.ts";
import type { Catalogue } from "../catalogue.ts";
import { testFamily } from "../testing.ts";
import type { PublishSnapshot } from "./publish.ts";

/** A family as a snapshot describes it, written down here independently of how the platform does it. */
export function described(family: Family): FamilyFile {
  const { name, version, title, description, software, inputs, output } = family;
  return {
    format: familyFormat,
    ...{ name, version, title, description, software },
    conditions: family.conditions.map((condition) => {
      const { name, description, nominal } = condition;
      if (condition.kind === "label") {
        const none = { unit: null, grid: null, tolerance: null, minimum: null, maximum: null };
        return { name, description, nominal, ...none, values: condition.values };
      }
      const { unit, grid, tolerance, minimum, maximum } = condition;
      return { name, description, nominal, unit, grid, tolerance, minimum, maximum, values: null };
    }),
    inputs: inputs.map(({ name, description, unit, low, high }) => ({ name, description, unit, low, high })),
    output: { name: output.name, unit: output.unit, shape: output.axes.map(({ size }) => size) },
    simulator: null,
  };
}

export function publishTest(
  catalogue: Catalogue,
  directory: string,
  options: Partial<Omit<PublishSnapshot, "directory">> = {},
) {
  return catalogue.publishSnapshot({
    directory,
    families: [described(testFamily)],
    tags: [],
    keep: null,
    mend: false,
    exclusion: { self: { pid: process.pid }, isDead: () => false },
    ...options,
  });
}

/** Every file under a directory with what would tell that it was written again. */
export async function filesOf(directory: string): Promise<Map<string, { inode: number; mtimeMs: number }>> {
  const found = new Map<string, { inode: number; mtimeMs: number }>();
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const { ino, mtimeMs } = await stat(path);
    found.set(path, { inode: ino, mtimeMs });
  }
  return found;
}

/** Runs `check` while the file has other bytes. */
export async function whileChanged(
  path: string,
  change: (bytes: Buffer) => Buffer,
  check: () => Promise<void>,
): Promise<void> {
  const bytes = await readFile(path);
  await chmod(path, 0o644);
  try {
    await writeFile(path, change(Buffer.from(bytes)));
    await check();
  } finally {
    await writeFile(path, bytes);
  }
}
