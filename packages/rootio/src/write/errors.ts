// The one error of writing ROOT files: which file, tree and branch, what is wrong and what to do.

/**
 * exists: the file is already there; unwritable: the file cannot be made, or the disk is full; unsupported: a type or
 * a name that a flat TTree does not hold; invalid: columns that contradict what was announced.
 */
export type WriteErrorKind = "exists" | "unwritable" | "unsupported" | "invalid";

export class WriteError extends Error {
  readonly kind: WriteErrorKind;
  /** The message without the file's name. */
  readonly problem: string;
  readonly file: string;
  readonly remedy: string;

  constructor(
    kind: WriteErrorKind,
    where: { file: string; tree?: string; branch?: string },
    what: string,
    remedy: string,
    cause?: unknown,
  ) {
    const parts: string[] = [];
    if (where.tree !== undefined) parts.push(`tree "${where.tree}"`);
    if (where.branch !== undefined) parts.push(`branch "${where.branch}"`);
    const problem = parts.length > 0 ? `${parts.join(", ")}: ${what}` : what;
    super(`${where.file}: ${problem}`, cause === undefined ? undefined : { cause });
    this.name = "WriteError";
    this.kind = kind;
    this.problem = problem;
    this.file = where.file;
    this.remedy = remedy;
  }
}
