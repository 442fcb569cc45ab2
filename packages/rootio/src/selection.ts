// Which branches and which entries a read asks for: names and globs found among the branches, ranges checked.

import { nearestNames, RootError } from "./errors.ts";
import type { BranchInfo, Chunk, EntryRange, Tree } from "./tree.ts";

interface Place {
  file: string;
  tree: string;
}

/** The branches that names and globs stand for, in the order asked, each once. Throws `missing` and `unsupported`. */
export function selectBranches(
  names: string[],
  byName: Map<string, BranchInfo>,
  separator: string,
  where: Place,
): string[] {
  const selected = new Set<string>();
  for (const name of names) {
    const info = byName.get(name);
    if (info) {
      if (info.problem !== null) throw new RootError("unsupported", { ...where, branch: name }, info.problem);
      selected.add(name);
      continue;
    }
    if (!name.includes("*") && !name.includes("?")) throw missingBranch(name, byName, where);
    const pattern = globPattern(name, separator);
    let matches = 0;
    for (const branch of byName.values())
      if (branch.problem === null && pattern.test(branch.name)) {
        selected.add(branch.name);
        matches++;
      }
    if (matches === 0)
      throw new RootError("missing", where, `there is no readable branch that matches "${name}"`);
  }
  return [...selected];
}

function missingBranch(name: string, byName: Map<string, BranchInfo>, where: Place): RootError {
  const near = nearestNames(name, [...byName.keys()]).map((near) => `"${near}"`);
  const what = `there is no branch "${name}"; nearest are ${near.join(", ")}`;
  return new RootError("missing", where, what);
}

/** `*` is anything within a level, `**` anything, `?` one character within a level. */
export function globPattern(glob: string, separator: string): RegExp {
  const within = `[^${separator === "." ? "." : "/"}]`;
  const source = glob.replace(/\*\*|[*?]|[^*?]+/g, (part) => {
    if (part === "**") return ".*";
    if (part === "*") return `${within}*`;
    if (part === "?") return within;
    return part.replace(/[\\^$.|+()[\]{}]/g, "\\$&");
  });
  return new RegExp(`^${source}$`, "s");
}

/** Throws RangeError where the range is not within the tree. */
export function checkRange(range: EntryRange, tree: { name: string; entries: number }) {
  const { start = 0, stop = tree.entries } = range;
  if (
    !(
      Number.isInteger(start) &&
      Number.isInteger(stop) &&
      start >= 0 &&
      start <= stop &&
      stop <= tree.entries
    )
  )
    throw new RangeError(`entries ${start} to ${stop} of tree "${tree.name}", which has ${tree.entries}`);
  return { start, stop };
}

/** Reads piece after piece, one ahead of the consumer. */
export async function* chunksOf(
  tree: Pick<Tree, "name" | "entries" | "read">,
  names: string[],
  entries: number,
  range: EntryRange = {},
): AsyncGenerator<Chunk> {
  const { start, stop } = checkRange(range, tree);
  if (!(Number.isInteger(entries) && entries > 0)) throw new RangeError(`pieces of ${entries} entries`);
  const piece = async (from: number): Promise<Chunk> => {
    const to = Math.min(from + entries, stop);
    return { start: from, stop: to, columns: await tree.read(names, { start: from, stop: to }) };
  };
  let next = start < stop ? piece(start) : null;
  while (next) {
    const chunk = await next;
    next = chunk.stop < stop ? piece(chunk.stop) : null;
    // Where the consumer stops early, nobody waits for the piece that is on its way: its failure is of no interest.
    next?.catch(() => {});
    yield chunk;
  }
}
