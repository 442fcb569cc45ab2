// What would be lost with the power, by the log of calls: what was made or written and not synchronised.

import { dirname } from "node:path";
import type { Call } from "./inject.ts";

/** What a loss of power at the moment of acknowledgement could take: files, and names of files and of their directories. */
export function unsynchronised(calls: Call[], acknowledgedAt: number): string[] {
  const files = new Set<string>();
  const names = new Map<string, string>();
  const made = new Set<string>();
  const kept = new Set<string>();
  for (const { number, name, path, from } of calls) {
    if (number > acknowledgedAt) break;
    // Shared memory is made anew by whoever opens the database first after a crash.
    if (path.endsWith("-shm")) continue;
    if (name === "fsync" || name === "fdatasync") {
      files.delete(path);
      for (const [entry, directory] of names) if (directory === path) names.delete(entry);
    } else if (name === "unlink") {
      for (const set of [files, names, kept]) set.delete(path);
    } else if (name === "mkdir") {
      names.set(path, dirname(path));
      made.add(path);
    } else if (name === "rename") {
      if (files.delete(from)) files.add(path);
      for (const set of [names, kept]) set.delete(from);
      names.set(path, dirname(path));
      kept.add(path);
    } else if (["create", "link", "symlink"].includes(name)) {
      names.set(path, dirname(path));
      kept.add(path);
      if (name === "create") files.add(path);
    } else if (name !== "chmod") {
      files.add(path);
    }
  }
  // A directory for what is on its way may be lost: whoever comes next makes it again.
  const empty = (entry: string) => made.has(entry) && ![...kept].some((path) => path.startsWith(`${entry}/`));
  return [...files, ...[...names.keys()].filter((entry) => !empty(entry))];
}
