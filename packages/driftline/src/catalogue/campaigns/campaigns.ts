// Campaigns: tags with their tables of runs, locks, samples, and which of them used a bundle.

import { hash } from "node:crypto";
import { type Lock, parseLock } from "@driftline/client/lock/lock";
import { type RunRange, type RunTable, rangeOf, runsFormat, runTable } from "@driftline/client/lock/runTable";
import canonicalize from "canonicalize";
import type { Kysely, Transaction } from "kysely";
import { fail } from "../../errors/registry.ts";
import { nearestName } from "../../family/nearestName.ts";
import type { BlobStore } from "../blobs.ts";
import type { Database } from "../database.ts";
import type { CatalogueTables } from "../tables.ts";
import { type Ledger, type LedgerEntry, type LedgerKind, type NewEntry, withBundles } from "./ledger.ts";
import { type Gap, layTogether, type Placed } from "./ranges.ts";
import { type GivenRange, invalid } from "./readRuns.ts";

export interface TagSummary {
  tag: string;
  frozen: boolean;
  ranges: number;
  firstRun: number;
  lastRun: number;
  locks: number;
  changedAt: string;
}

export interface TagTable {
  table: RunTable;
  frozen: boolean;
  /** Digest of the blob that holds the table. */
  content: string;
}

export interface Imported {
  tag: string;
  /** False where the table said all of it already. */
  changed: boolean;
  ranges: number;
  added: number;
  gaps: Gap[];
}

export interface RegisteredLock {
  tag: string;
  digest: string;
  content: string;
  bundles: string[];
  createdAt: string;
}

export interface SampleRecord {
  file: string;
  sha256: string;
  size: number;
  bundle: string;
  /** Digest of the lock that it was made under. */
  lock: string | null;
  tag: string | null;
  provenance: Record<string, string>;
  createdAt: string;
}

/** Someone else imported meanwhile: look again so often. */
const tries = 5;

export type Campaigns = ReturnType<typeof campaigns>;

export function campaigns(database: Database<CatalogueTables>, blobs: BlobStore, ledger: Ledger) {
  const { db, write } = database;

  /** Adds an entry unless `isThere` finds that it would say nothing new. */
  async function record(
    entry: NewEntry,
    isThere: (trx: Transaction<CatalogueTables>) => Promise<boolean> = async () => false,
  ): Promise<boolean> {
    return write(async (trx) => {
      await ledger.catchUp(trx);
      if (await isThere(trx)) return false;
      await ledger.add(trx, entry);
      return true;
    });
  }

  async function readTable(content: string): Promise<RunTable> {
    return runTable.parse(JSON.parse(new TextDecoder().decode(await blobs.read(content))));
  }

  /** Throws `unknown_tag`, `damaged`. */
  async function tag(name: string): Promise<TagTable> {
    const newest = await newestOf(db, "runs", name);
    if (newest === null) throw await unknownTag(name);
    const frozen = (await newestOf(db, "freeze", name)) !== null;
    return { table: await readTable(newest.content!), frozen, content: newest.content! };
  }

  async function unknownTag(name: string) {
    const names = (await tags()).map((each) => each.tag);
    const nearest = nearestName(name, names);
    return fail("unknown_tag", `There is no tag ${JSON.stringify(name.slice(0, 80))}.`, {
      field: "tag",
      remedy: `${nearest ? `Did you mean ${nearest}? ` : ""}${
        names.length === 0 ? "`driftline runs import FILE` makes one." : `Tags: ${names.join(", ")}.`
      }`,
    });
  }

  async function tags(): Promise<TagSummary[]> {
    const entries = await entriesOf(db, ["runs", "freeze", "lock"]);
    const found = new Map<string, TagSummary>();
    for (const { kind, tag: name, details, created_at } of entries) {
      if (name === null) continue;
      const before = found.get(name) ?? {
        tag: name,
        frozen: false,
        ranges: 0,
        firstRun: 0,
        lastRun: 0,
        locks: 0,
        changedAt: "",
      };
      const next = { ...before, changedAt: created_at };
      if (kind === "freeze") next.frozen = true;
      else if (kind === "lock") next.locks++;
      else {
        const { ranges, firstRun, lastRun } = details as Pick<TagSummary, "ranges" | "firstRun" | "lastRun">;
        Object.assign(next, { ranges, firstRun, lastRun });
      }
      found.set(name, next);
    }
    return [...found.values()].sort((a, b) => (a.tag < b.tag ? -1 : 1));
  }

  /**
   * Adds the rows of a file to their tags, or with `replace` puts them in the place of what each tag had: all of the
   * file or nothing. Throws `invalid_data` where ranges overlap, `frozen_tag`.
   */
  async function importRuns(
    file: string,
    rows: GivenRange[],
    options: { replace?: boolean } = {},
  ): Promise<Imported[]> {
    const names = [...new Set(rows.map((row) => row.tag))].sort();
    for (let tried = 1; ; tried++) {
      const planned: Awaited<ReturnType<typeof plan>>[] = [];
      for (const name of names) {
        planned.push(
          await plan(
            file,
            name,
            rows.filter((row) => row.tag === name),
            options.replace === true,
          ),
        );
      }
      const wentThrough = await write(async (trx) => {
        await ledger.catchUp(trx);
        for (const { name, base, entry } of planned) {
          if (((await newestOf(trx, "runs", name))?.id ?? 0) !== base) return false;
          if (entry !== null && (await newestOf(trx, "freeze", name)) !== null) throw frozen(name);
        }
        for (const { entry } of planned) if (entry !== null) await ledger.add(trx, entry);
        return true;
      });
      if (wentThrough) return planned.map(({ report }) => report);
      if (tried === tries) {
        throw fail("busy", `Importing ${file}: others go on changing these tags.`, { remedy: "Try again." });
      }
    }
  }

  /** What a tag will be; its table is stored, and is nobody's until it is recorded. */
  async function plan(file: string, name: string, rows: GivenRange[], replace: boolean) {
    const newest = await newestOf(db, "runs", name);
    const before = newest === null ? [] : (await readTable(newest.content!)).ranges;
    const there: Placed[] = replace ? [] : before.map((range) => ({ ...range, line: null }));
    const { ranges, overlaps, gaps } = layTogether([...there, ...rows.map(({ tag: _, ...row }) => row)]);
    if (overlaps.length > 0) {
      throw invalid(
        file,
        overlaps.map(({ first, second }) => {
          const [at, other] = second.line === null ? [first, second] : [second, first];
          const where = other.line === null ? "runs that were imported before" : `line ${other.line}`;
          const message = `tag ${name}: runs ${span(at)} overlap ${span(other)} of ${where}`;
          return { line: at.line ?? 1, message, field: "first_run" };
        }),
      );
    }
    const table: RunTable = {
      format: runsFormat,
      tag: name,
      ranges: ranges.map(({ firstRun, lastRun, conditions, software }) => ({
        firstRun,
        lastRun,
        conditions,
        software,
      })),
    };
    const bytes = new TextEncoder().encode(canonicalize(table)!);
    const content = hash("sha256", bytes);
    const changed = content !== newest?.content;
    if (changed) await blobs.putBytes(bytes);
    const details = {
      ranges: ranges.length,
      firstRun: ranges[0].firstRun,
      lastRun: ranges[ranges.length - 1].lastRun,
    };
    const entry: NewEntry | null = changed
      ? { kind: "runs", tag: name, subject: null, content, bundles: [], details: { ...details, file } }
      : null;
    const added = ranges.length - (replace ? 0 : before.length);
    const report: Imported = { tag: name, changed, ranges: ranges.length, added, gaps };
    return { name, base: newest?.id ?? 0, entry, report };
  }

  /** Closes a tag: its table is never changed again. Freezing a frozen one changes nothing. */
  async function freeze(name: string): Promise<void> {
    await tag(name);
    await record(
      { kind: "freeze", tag: name, subject: null, content: null, bundles: [], details: {} },
      async (trx) => (await newestOf(trx, "freeze", name)) !== null,
    );
  }

  /** The range of a run. Throws `unknown_tag`, `unknown_run`. */
  async function run(name: string, number: number): Promise<RunRange> {
    const { ranges } = (await tag(name)).table;
    const found = rangeOf(ranges, number);
    if (found) return found;
    const near = [...ranges]
      .sort((a, b) => distance(a, number) - distance(b, number))
      .slice(0, 2)
      .map(span);
    throw fail("unknown_run", `Tag ${name} has no range with run ${number}.`, {
      field: "run",
      remedy: `The nearest are ${near.join(" and ")}; \`driftline runs ${name}\` lists all.`,
    });
  }

  /** Keeps a lock with what it needs, and lists it where its bundles are recalled. */
  async function registerLock(lock: Lock): Promise<void> {
    const bytes = new TextEncoder().encode(canonicalize(lock)!);
    const content = await blobs.putBytes(bytes);
    const bundles = [...new Set(lock.ranges.map(({ bundle }) => bundle))].sort();
    const details = { ranges: lock.ranges.length, accept: lock.accept };
    await record({ kind: "lock", tag: lock.tag, subject: lock.digest, content, bundles, details }, (trx) =>
      isKnown(trx, "lock", lock.digest),
    );
  }

  async function locks(name?: string): Promise<RegisteredLock[]> {
    return (await entriesOf(db, ["lock"], name)).map(lockOf);
  }

  /** A registered lock, by the digest of its blob. */
  async function lock(content: string): Promise<Lock> {
    return parseLock(await blobs.read(content), `the lock ${content}`);
  }

  /** Notes a sample, so that it is named when its bundle is recalled. False where it was noted before. */
  async function registerSample(sample: Omit<SampleRecord, "createdAt">): Promise<boolean> {
    const { bundle, tag: name, sha256, ...details } = sample;
    return record(
      { kind: "sample", tag: name, subject: sha256, content: null, bundles: [bundle], details },
      (trx) => isKnown(trx, "sample", sha256),
    );
  }

  async function samples(name?: string): Promise<SampleRecord[]> {
    return (await entriesOf(db, ["sample"], name)).map(sampleOf);
  }

  /** Locks that name a bundle and samples that were made with it. */
  async function uses(bundle: string): Promise<{ locks: RegisteredLock[]; samples: SampleRecord[] }> {
    const [lockEntries, sampleEntries] = [
      await usersOf(db, bundle, "lock"),
      await usersOf(db, bundle, "sample"),
    ];
    return { locks: lockEntries.map(lockOf), samples: sampleEntries.map(sampleOf) };
  }

  return { tag, tags, importRuns, freeze, run, registerLock, locks, lock, registerSample, samples, uses };
}

function lockOf({ tag, subject, content, bundles, created_at }: LedgerEntry): RegisteredLock {
  return { tag: tag!, digest: subject!, content: content!, bundles, createdAt: created_at };
}

function sampleOf({ tag, subject, bundles, details, created_at }: LedgerEntry): SampleRecord {
  const rest = details as Pick<SampleRecord, "file" | "size" | "lock" | "provenance">;
  return { ...rest, sha256: subject!, bundle: bundles[0], tag, createdAt: created_at };
}

async function isKnown(on: Kysely<CatalogueTables>, kind: LedgerKind, subject: string): Promise<boolean> {
  const query = on.selectFrom("ledger").select("id").where("kind", "=", kind).where("subject", "=", subject);
  return (await query.limit(1).executeTakeFirst()) !== undefined;
}

async function newestOf(
  on: Kysely<CatalogueTables>,
  kind: LedgerKind,
  tag: string,
): Promise<{ id: number; content: string | null } | null> {
  const found = await on
    .selectFrom("ledger")
    .select(["id", "content"])
    .where("kind", "=", kind)
    .where("tag", "=", tag)
    .orderBy("id", "desc")
    .limit(1)
    .executeTakeFirst();
  return found === undefined ? null : { id: Number(found.id), content: found.content };
}

async function entriesOf(
  on: Kysely<CatalogueTables>,
  kinds: LedgerKind[],
  tag?: string,
): Promise<LedgerEntry[]> {
  let query = on.selectFrom("ledger").selectAll().where("kind", "in", kinds).orderBy("id");
  if (tag !== undefined) query = query.where("tag", "=", tag);
  return withBundles(on, await query.execute());
}

async function usersOf(
  on: Kysely<CatalogueTables>,
  bundle: string,
  kind: LedgerKind,
): Promise<LedgerEntry[]> {
  const rows = await on
    .selectFrom("ledger_bundles")
    .innerJoin("ledger", "ledger.id", "ledger_bundles.entry")
    .selectAll("ledger")
    .where("ledger_bundles.bundle", "=", bundle)
    .where("ledger_bundles.kind", "=", kind)
    .orderBy("ledger.id")
    .execute();
  return withBundles(on, rows);
}

function frozen(name: string) {
  return fail("frozen_tag", `Tag ${name} is frozen: its table of runs does not change any more.`, {
    field: "tag",
    remedy: "Import the runs under a tag of another name.",
  });
}

function span({ firstRun, lastRun }: { firstRun: number; lastRun: number }): string {
  return firstRun === lastRun ? `${firstRun}` : `${firstRun}-${lastRun}`;
}

function distance({ firstRun, lastRun }: RunRange, number: number): number {
  return Math.max(firstRun - number, number - lastRun);
}
