// Which files a client may name for the server to read: those in the configured folders, here (links followed before the check) or on other servers.

import { realpath, stat } from "node:fs/promises";
import { resolve, sep } from "node:path";
import { type DriftlineError, fail } from "../errors/registry.ts";
import { allowedAddress, isAddress } from "./dataAddresses.ts";

/** The real paths and addresses of files that a client named; throws `forbidden` or `invalid_data` for one that it may not name. */
export type CheckDataFiles = (paths: string[]) => Promise<string[]>;

/**
 * @param directories folders whose files may be named; null for any file of this user.
 * @param addresses of folders on other servers whose files may be named.
 * The real path is what is read later, so a link that is changed after the check leads nowhere else.
 */
export function dataFileCheck(directories: string[] | null, addresses: string[] = []): CheckDataFiles {
  return async (paths) => {
    const roots = directories === null ? [sep] : await Promise.all(directories.map(realOrGiven));
    return Promise.all(
      paths.map((path) =>
        isAddress(path) ? allowedAddress(path, addresses) : checked(path, roots, directories),
      ),
    );
  };
}

async function checked(path: string, roots: string[], directories: string[] | null): Promise<string> {
  const given = resolve(path);
  const real = await realpath(given).catch(() => null);
  const allowed = [...roots, ...(real === null ? (directories ?? []) : [])];
  // Whether a file outside exists is not told either.
  if (!allowed.some((root) => isWithin(root, real ?? given))) throw outside(path, directories ?? []);
  const found = real === null ? null : await stat(real).catch(() => null);
  if (real !== null && found?.isFile()) return real;
  throw fail(
    "invalid_data",
    `Reading ${path}: ${found === null ? "there is no such file" : "it is no plain file"}.`,
    {
      field: "data.files",
      remedy: "Give the path of a file that the server can read.",
    },
  );
}

/** A folder that is not there yet holds no file; it may come later. */
async function realOrGiven(directory: string): Promise<string> {
  return realpath(directory).catch(() => directory);
}

function isWithin(directory: string, path: string): boolean {
  return path.startsWith(directory.endsWith(sep) ? directory : `${directory}${sep}`);
}

function outside(path: string, directories: string[]): DriftlineError {
  const folders = directories.join(", ") || "none";
  return fail("forbidden", `${path} is not in a folder whose files clients of this server may name.`, {
    field: "data.files",
    remedy: `Folders: ${folders}. Put the file there, or have server.dataDirectories (DRIFTLINE_SERVER_DATA_DIRECTORIES) name its folder.`,
  });
}
