// The checks of `driftline doctor`: each gives what it found, or throws what is wrong with its remedy.

import { constants, existsSync, readFileSync } from "node:fs";
import { access, mkdir, rm, stat, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import { processesWithOpen } from "../catalogue/care/openFiles.ts";
import { databaseFile } from "../catalogue/database.ts";
import { fail } from "../errors/registry.ts";
import { loadFamilies } from "../family/loadFamily.ts";
import { networkFileSystem } from "../lifecycle/platform.ts";
import { trainerEnvironment, trainerVersions } from "../training/environment.ts";
import type { CommandContext } from "./command.ts";
import { counted } from "./counted.ts";

/** Less free space than this does not hold a data set, a training and its bundle. */
const leastFreeBytes = 500e6;
const clockToleranceMs = 5_000;

/** In the order in which they are shown: what later ones rest on comes first. */
export const checks: Record<string, (context: CommandContext) => Promise<string>> = {
  driftline: async () => `${packageJson.version}, Node ${process.version}`,
  "data directory": ({ config }) => dataDirectory(config.dataDirectory),
  "free space": ({ config }) => freeSpace(config.dataDirectory),
  clock: ({ config }) => clock(config.dataDirectory),
  families: async ({ config }) => [...loadFamilies(config.families).keys()].join(", "),
  catalogue: async (context) => counted(await (await context.platform()).opened.catalogue.count(), "model"),
  records: newestRecord,
  "open in": async ({ config }) => openIn(config.dataDirectory),
  python: ({ config }) => trainerVersions(trainerEnvironment(config.trainerDirectory, config.python)),
};

async function dataDirectory(path: string): Promise<string> {
  await mkdir(path, { recursive: true });
  await access(path, constants.W_OK);
  const network = await networkFileSystem(path);
  if (network !== null) {
    throw fail("invalid_data_directory", `${path} is on a network file system (${network}).`, {
      remedy: "Name a directory of a local disk with --data-dir: SQLite's locks need one.",
    });
  }
  return path;
}

async function freeSpace(path: string): Promise<string> {
  const { bavail, bsize } = await statfs(path);
  const free = bavail * bsize;
  const words = `${(free / 1e9).toFixed(1)} GB`;
  if (free >= leastFreeBytes) return words;
  throw fail("invalid_data_directory", `${words} on the file system of ${path}.`, {
    remedy:
      "Make room (`driftline gc` removes what no model needs), or name another directory with --data-dir.",
  });
}

/** The file system's clock against the system's: they differ where a container or a server is set wrong. */
async function clock(path: string): Promise<string> {
  const probe = join(path, `.clock-${process.pid}`);
  await writeFile(probe, "");
  const { mtimeMs } = await stat(probe);
  await rm(probe);
  const now = Date.now();
  if (Math.abs(mtimeMs - now) <= clockToleranceMs) return new Date(now).toISOString();
  const difference = Math.round((mtimeMs - now) / 1000);
  throw fail("invalid_data_directory", `Files written to ${path} are dated ${difference} s from now.`, {
    remedy: "Set the clock: leases of jobs and ages of files are told by it.",
  });
}

async function newestRecord(context: CommandContext): Promise<string> {
  const { db } = (await context.platform()).opened.catalogue.database;
  const newest = await db
    .selectFrom("bindings")
    .select(["created_at"])
    .orderBy("id", "desc")
    .limit(1)
    .executeTakeFirst();
  if (newest === undefined) return "none yet";
  if (Date.parse(newest.created_at) - Date.now() > clockToleranceMs) {
    throw fail(
      "invalid_data_directory",
      `The newest record is of ${newest.created_at}, which is still to come.`,
      {
        remedy: "Set the clock: it was right then or is right now, not both.",
      },
    );
  }
  return `newest of ${newest.created_at}`;
}

function openIn(path: string): string {
  const database = join(path, databaseFile);
  const others = existsSync(database) ? processesWithOpen(database) : [];
  const names = others.filter((pid) => pid !== process.pid).map((pid) => `${pid} (${nameOf(pid)})`);
  return names.length === 0 ? "no other process" : names.join(", ");
}

function nameOf(pid: number): string {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").filter(Boolean);
    return words.slice(-3).join(" ").slice(-60);
  } catch {
    return "ended";
  }
}
