// Tags: named tables from ranges of runs to conditions, open until they are frozen.

import { hash } from "node:crypto";
import type { Imported, TagSummary, TagTable } from "@driftline/client/campaigns";
import { type RunRange, type RunTable, rangeOf, runsFormat, runTable } from "@driftline/client/lock/runTable";
import canonicalize from "canonicalize";
import { fail } from "../../errors/registry.ts";
import { nearestName } from "../../family/nearestName.ts";
import type { BlobStore } from "../blobs.ts";
import type { Database } from "../database.ts";
import type { CatalogueTables } from "../tables.ts";
import { entriesOf, newestOf } from "./entries.ts";
import type { Ledger, NewEntry } from "./ledger.ts";
import { layTogether, type Placed } from "./ranges.ts";
import { type GivenRange, invalid } from "./readRuns.ts";

/** Someone else imported meanwhile: look again so often. */
const tries = 5;

export function tagsOf(database: Database<CatalogueTables>, blobs: BlobStore, ledger: Ledger) {
  const { db, write } = database;

  async function readTable(content: string): Promise<RunTable> {
    return runTable.parse(JSON.parse(new TextDecoder().decode(await blobs.read(content))));
  }

  /** Throws `unknown_tag`, `damaged`. */
  async function tag(name: string): Promise<{ table: RunTable } & Pick<TagTable, "frozen" | "content">> {
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
    await ledger.addUnless(
      database,
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

  return { tag, tags, importRuns, freeze, run };
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
