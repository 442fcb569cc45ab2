// What the user names, paths, globs, addresses, lists of them, as the list of files to read, in order.

import { glob, readFile, realpath, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { schemeOf, schemeText } from "./address.ts";
import { type BytesOptions, listXrootd } from "./bytes.ts";
import { shown, unusable } from "./failure.ts";

/** A list of names, not data: a mistyped name of a data file must not be read into memory. */
const mostListBytes = 16 * 1024 * 1024;

/**
 * Files in the order given; those of a glob are sorted. Paths, globs of paths (`*`, `**`, `?`, `[a-z]`, `{a,b}`),
 * root:// addresses (`*` in the path), http(s):// addresses, and `@list.txt`: a file of such names, one a line, from
 * the folder of the list. Relative names are in `folder`, by default where the process runs. Local files are checked to be there, remote ones when they are opened. Throws `invalid_data`
 * for a name that stands for no file, and for one that is given twice.
 */
export async function findFiles(
  names: string[],
  options: BytesOptions & { folder?: string } = {},
): Promise<string[]> {
  const found: { location: string; given: string }[] = [];
  for (const name of names)
    for (const { given, folder } of await listed(name, options.folder ?? null))
      for (const location of await expand(given, folder, options)) found.push({ location, given });
  const seen = new Map<string, string>();
  for (const { location, given } of found) {
    const identity = schemeOf(location) === null ? await realpath(location) : location;
    const before = seen.get(identity);
    if (before !== undefined)
      throw unusable(
        location,
        before === given
          ? `"${shown(given)}" names it twice`
          : `it is named twice, by "${shown(before)}" and "${shown(given)}"`,
        "Give each file once.",
      );
    seen.set(identity, given);
  }
  return found.map(({ location }) => location);
}

/** The names of a list, or the one name. */
async function listed(
  name: string,
  folder: string | null,
): Promise<{ given: string; folder: string | null }[]> {
  const within = (path: string) => (folder === null ? path : resolve(folder, path));
  if (!name.startsWith("@") || (await isFile(within(name)))) return [{ given: name, folder }];
  const path = within(name.slice(1));
  const remedy = "Give a text file with one name a line.";
  const found = await stat(path).catch((cause) => {
    throw unusable(path, `the list cannot be opened: ${reasonOf(cause)}`, remedy, { cause });
  });
  if (!found.isFile() || found.size > mostListBytes)
    throw unusable(
      path,
      found.isFile() ? "it is too large for a list of names" : "it is no plain file",
      remedy,
    );
  const lines = (await readFile(path, "utf8")).split(/\r?\n/).map((line) => line.trim());
  const names = lines.filter((line) => line !== "" && !line.startsWith("#"));
  if (names.length === 0) throw unusable(path, "the list names no file", remedy);
  const nested = names.find((line) => line.startsWith("@"));
  if (nested !== undefined)
    throw unusable(path, `the list names another list, "${shown(nested)}"`, "Name the files themselves.");
  return names.map((given) => ({ given, folder: dirname(path) }));
}

async function expand(given: string, folder: string | null, options: BytesOptions): Promise<string[]> {
  const scheme = schemeText(given);
  if (scheme === "file") return local(fileURLToPath(given), null);
  if (scheme === null) return local(given, folder);
  const known = schemeOf(given);
  if (known === null)
    throw unusable(
      given,
      `nothing here reads ${scheme}:// addresses`,
      scheme === "davs" ? "Write https:// in place of davs://." : "Give a path, or http(s):// or root(s)://.",
    );
  if (!beforeQuery(given).includes("*")) return [given];
  if (known === "root" || known === "roots") return remoteGlob(given, options);
  throw unusable(
    given,
    "web servers do not say what files they have, so * stands for nothing here",
    "Name each file, or put the addresses into a list and give @LIST.",
  );
}

async function local(given: string, folder: string | null): Promise<string[]> {
  const path = folder === null ? given : resolve(folder, given);
  if (await isFile(path)) return [path];
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (isFolder) throw unusable(path, "it is a folder", `Name its files, as in ${join(path, "*.root")}.`);
  const there = await stat(path).then(
    () => true,
    () => false,
  );
  if (there) throw unusable(path, "it is not a regular file", "Give the path of a file with data.");
  if (!/[*?[{]/.test(path)) throw absent(path, "there is no such file", await nearestFolder(path));
  const matches: string[] = [];
  for await (const match of glob(path)) if (await isFile(match)) matches.push(match);
  if (matches.length === 0) throw absent(path, "no file is of that name", await nearestFolder(path));
  return matches.sort();
}

function absent(path: string, problem: string, folder: string) {
  return unusable(
    path,
    `${problem}; the nearest folder that exists is ${folder}`,
    "Correct the path; ls shows what the folder holds.",
  );
}

/** The deepest folder on the way to a path that is there. */
async function nearestFolder(path: string): Promise<string> {
  let folder = resolve(path);
  do folder = dirname(folder);
  while (
    folder !== dirname(folder) &&
    !(await stat(folder).then(
      (found) => found.isDirectory(),
      () => false,
    ))
  );
  return folder;
}

/** Each part of the path with a `*` is looked up in what its folder holds. */
async function remoteGlob(given: string, options: BytesOptions): Promise<string[]> {
  const [, server, path] = /^([^:]+:\/\/[^/]*)(\/.*)$/s.exec(beforeQuery(given)) ?? [];
  const query = given.slice(beforeQuery(given).length);
  if (path === undefined)
    throw unusable(given, "* stands in the name of the server", "Write * in the path only.");
  let folders = [""];
  const parts = path.split("/").slice(1);
  for (const [i, part] of parts.entries()) {
    if (!part.includes("*")) {
      folders = folders.map((folder) => `${folder}/${part}`);
      continue;
    }
    const pattern = new RegExp(
      `^${part.replace(/[\\^$.|+()[\]{}?]/g, "\\$&").replaceAll("*", "[^/]*")}$`,
      "s",
    );
    const next: string[] = [];
    for (const folder of folders) {
      const held = await listXrootd(`${server}${folder || "/"}${query}`, options);
      for (const { name, isFolder } of held)
        if (pattern.test(name) && isFolder === i + 1 < parts.length) next.push(`${folder}/${name}`);
    }
    folders = next;
    if (folders.length === 0)
      throw unusable(
        given,
        `${server}${parts
          .slice(0, i)
          .map((each) => `/${each}`)
          .join("")} holds nothing that matches ${part}`,
        "Correct the address; xrdfs HOST ls PATH shows what a folder holds.",
      );
  }
  return folders.map((folder) => `${server}${folder}${query}`).sort();
}

/** `?` begins options of the address and is no sign of a glob. */
function beforeQuery(address: string): string {
  return address.replace(/\?.*$/s, "");
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

function reasonOf(cause: unknown): string {
  return (cause as NodeJS.ErrnoException).code === "ENOENT" ? "there is no such file" : String(cause);
}
