// Opens a file of columns, ROOT or Parquet, told apart by its first bytes.

import { type FileHandle, open } from "node:fs/promises";
import { fail } from "../errors/registry.ts";
import type { ColumnFile } from "./columnFile.ts";
import { openParquetColumns } from "./parquetColumns.ts";
import { openRootColumns } from "./rootColumns.ts";

/** Opens a file; `tree` is the tree of a ROOT file. Throws `invalid_data`. */
export async function openColumnFile(path: string, tree: string): Promise<ColumnFile> {
  const magic = await firstBytes(path);
  if (magic === "root") return openRootColumns(path, tree);
  if (magic === "PAR1") return openParquetColumns(path);
  throw fail("invalid_data", `cannot read responses from ${path}: it is neither a ROOT nor a Parquet file`, {
    field: "data.files",
    remedy: "Give ROOT files with a TTree, or Parquet files.",
  });
}

async function firstBytes(path: string): Promise<string> {
  let file: FileHandle;
  try {
    file = await open(path);
  } catch (cause) {
    const reason =
      (cause as NodeJS.ErrnoException).code === "ENOENT" ? "there is no such file" : String(cause);
    throw fail("invalid_data", `cannot read responses from ${path}: ${reason}`, {
      field: "data.files",
      remedy: "Give the path of a file that exists and can be read.",
      cause,
    });
  }
  try {
    if (!(await file.stat()).isFile())
      throw fail("invalid_data", `cannot read responses from ${path}: it is not a regular file`, {
        field: "data.files",
        remedy: "Give the path of a ROOT or Parquet file.",
      });
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.toString("latin1", 0, bytesRead);
  } finally {
    await file.close();
  }
}
