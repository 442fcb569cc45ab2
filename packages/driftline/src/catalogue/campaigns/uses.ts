// What uses bundles: locks that name them and samples that were made with them, to be found again when one is bad.

import type { GivenSample, RegisteredLock, SampleRecord } from "@driftline/client/campaigns";
import { type Lock, parseLock } from "@driftline/client/lock/lock";
import canonicalize from "canonicalize";
import type { BlobStore } from "../blobs.ts";
import type { Database } from "../database.ts";
import type { CatalogueTables } from "../tables.ts";
import { entriesOf, isKnown, usersOf } from "./entries.ts";
import type { Ledger, LedgerEntry } from "./ledger.ts";

export function usesOf(database: Database<CatalogueTables>, blobs: BlobStore, ledger: Ledger) {
  const { db } = database;

  /** Keeps a lock with what it needs, and lists it where its bundles are recalled. */
  async function registerLock(lock: Lock): Promise<void> {
    const bytes = new TextEncoder().encode(canonicalize(lock)!);
    const content = await blobs.putBytes(bytes);
    const bundles = [...new Set(lock.ranges.map(({ bundle }) => bundle))].sort();
    const details = { ranges: lock.ranges.length, accept: lock.accept };
    await ledger.addUnless(
      database,
      { kind: "lock", tag: lock.tag, subject: lock.digest, content, bundles, details },
      (trx) => isKnown(trx, "lock", lock.digest),
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
  async function registerSample(sample: GivenSample): Promise<boolean> {
    const { bundle, tag: name, sha256, ...details } = sample;
    return ledger.addUnless(
      database,
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

  return { registerLock, locks, lock, registerSample, samples, uses };
}

function lockOf({ tag, subject, content, bundles, created_at }: LedgerEntry): RegisteredLock {
  return { tag: tag!, digest: subject!, content: content!, bundles, createdAt: created_at };
}

function sampleOf({ tag, subject, bundles, details, created_at }: LedgerEntry): SampleRecord {
  const rest = details as Pick<SampleRecord, "file" | "size" | "lock" | "provenance">;
  return { ...rest, sha256: subject!, bundle: bundles[0], tag, createdAt: created_at };
}
