// The model of a snapshot that a digest, a key or the beginning of one names.

import { access } from "node:fs/promises";
import { DriftlineError } from "../error.ts";
import { parseKeyPrefix } from "../question/key.ts";
import type { ReadFamily } from "./family.ts";
import { blobPath } from "./format.ts";
import type { IndexLine } from "./keyIndex.ts";

/** `line` is null for a bundle that serves no key: one that a lock names. Throws `unknown_model`, `usage`, `damaged`. */
export async function findModel(
  directory: string,
  families: Iterable<ReadFamily>,
  prefix: string,
): Promise<{ bundle: string; line: IndexLine | null }> {
  const column = prefix.startsWith("k1-") ? "key" : "bundle";
  if (column === "key") parseKeyPrefix(prefix);
  else if (!/^[0-9a-f]{8,64}$/.test(prefix)) {
    throw new DriftlineError(
      "usage",
      `${JSON.stringify(prefix.slice(0, 80))} is not a bundle's digest: 64 hexadecimal digits or at least the first 8.`,
      { field: "model", remedy: "`driftline models` lists digests and keys." },
    );
  }
  const found = new Map<string, IndexLine>();
  for (const { index } of families) {
    for (const line of (await index()).matching(column, prefix, 4)) found.set(line.bundle, line);
  }
  if (found.size === 1) {
    const [[bundle, line]] = found;
    return { bundle, line };
  }
  if (found.size > 1) {
    const some = [...found.values()].slice(0, 3).map((line) => line[column]);
    throw new DriftlineError("unknown_model", `${prefix} is not unique: ${some.join(", ")} begin with it.`, {
      field: "model",
      remedy: "Give more digits.",
      data: { nearest: some },
    });
  }
  if (column === "bundle" && prefix.length === 64 && (await isThere(blobPath(directory, prefix)))) {
    return { bundle: prefix, line: null };
  }
  throw new DriftlineError("unknown_model", `The snapshot has no model ${prefix}.`, {
    field: "model",
    remedy: "`driftline models` lists those that it has; a bundle of a lock is named by all 64 digits.",
    data: { nearest: [] },
  });
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
