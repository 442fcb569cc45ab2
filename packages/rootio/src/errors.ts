// The one error of reading ROOT files: which file, tree and branch, what was wrong, and the nearest names there are.

/**
 * unreadable: the file cannot be opened; not_root: it is something else; damaged: its content contradicts itself;
 * missing: no tree or branch of that name; unsupported: a type that this reader does not know; too_large: more memory
 * than the limit of one read.
 */
export type RootErrorKind = "unreadable" | "not_root" | "damaged" | "missing" | "unsupported" | "too_large";

export class RootError extends Error {
  readonly kind: RootErrorKind;
  /** The message without the file's name. */
  readonly problem: string;
  readonly file: string;
  readonly tree: string | undefined;
  readonly branch: string | undefined;

  constructor(
    kind: RootErrorKind,
    where: { file: string; tree?: string; branch?: string },
    what: string,
    cause?: unknown,
  ) {
    const parts: string[] = [];
    if (where.tree !== undefined) parts.push(`tree "${where.tree}"`);
    if (where.branch !== undefined) parts.push(`branch "${where.branch}"`);
    const problem = parts.length > 0 ? `${parts.join(", ")}: ${what}` : what;
    super(`${where.file}: ${problem}`, cause === undefined ? undefined : { cause });
    this.name = "RootError";
    this.kind = kind;
    this.problem = problem;
    this.file = where.file;
    this.tree = where.tree;
    this.branch = where.branch;
  }
}

/** The names most like the one asked for, best first: those that contain it or lie in it, then by edit distance; case does not matter. */
export function nearestNames(asked: string, names: string[], count = 5): string[] {
  const word = asked.toLowerCase();
  const distance = (name: string) =>
    name.includes(word) || word.includes(name) ? 0 : editDistance(word, name);
  const distances = new Map(names.map((name) => [name, distance(name.toLowerCase())]));
  return [...distances.keys()].sort((a, b) => distances.get(a)! - distances.get(b)!).slice(0, count);
}

/** Levenshtein distance by dynamic programming over two rows. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++)
      row.push(Math.min(row[j - 1] + 1, previous[j] + 1, previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)));
    previous = row;
  }
  return previous[b.length];
}
