// Errors that are the machine's doing and may pass: a full disk, a disk that fails, no memory, too many open files.

/** By the code of a system error, errno(3). */
const system = new Map<string, string>([
  ["ENOSPC", "no space was left on the disk"],
  ["EDQUOT", "the disk quota was used up"],
  ["EIO", "the disk failed"],
  ["ENOMEM", "memory ran out"],
  ["EAGAIN", "the machine had no process or memory to spare"],
  ["EMFILE", "too many files were open"],
  ["ENFILE", "too many files were open on the machine"],
]);

/** By the primary result code of SQLite (sqlite.org/rescode.html). */
const sqlite = new Map<number, string>([
  [5, "the database was busy"],
  [7, "memory ran out"],
  [10, "the disk failed"],
  [13, "no space was left on the disk"],
]);

/** What the machine lacked, in words; null where the error, its causes left aside, is another one. */
export function machineReason(error: Error): string | null {
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  return (
    (typeof code === "string" ? system.get(code) : undefined) ??
    (typeof errcode === "number" ? sqlite.get(errcode & 0xff) : undefined) ??
    null
  );
}
