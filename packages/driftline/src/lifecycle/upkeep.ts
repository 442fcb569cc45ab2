// What a server does for its catalogue on the side: re-reads every blob, and removes what has been unused for long.

import { setTimeout as sleep } from "node:timers/promises";
import type { Store } from "./openStore.ts";

const dayMs = 24 * 3600 * 1000;
/** Slow enough that nobody waits for the disk because of it; a terabyte takes half a day. */
const bytesPerSecond = 20e6;

export interface UpkeepOptions {
  /** From the end of one round to the beginning of the next, and before the first. */
  intervalMs?: number;
  bytesPerSecond?: number;
}

export interface Upkeep {
  /** Ends a round where it stands. */
  close(): Promise<void>;
}

/**
 * Goes round once a day. `tell` gets a line for each damaged blob, once, and one where something was removed.
 * A blob that can't be read whole is never served: who asks for it gets `damaged`, before a round finds it or after.
 */
export function startUpkeep(
  { catalogue, store }: Pick<Store, "catalogue"> & { store: Pick<Store["store"], "candidates"> },
  keepDays: number,
  tell: (line: string) => void,
  { intervalMs = dayMs, bytesPerSecond: rate = bytesPerSecond }: UpkeepOptions = {},
): Upkeep {
  const stop = new AbortController();
  const { signal } = stop;
  const told = new Set<string>();

  async function scrub(): Promise<void> {
    for (const digest of await catalogue.blobs.list()) {
      const bytes = await catalogue.blobs.verify(digest).catch(async (error: Error) => {
        // One that was collected meanwhile is no loss.
        const collected = (await catalogue.blobs.lastUse(digest)) === null;
        if (!collected && !told.has(digest)) {
          told.add(digest);
          tell(`${error.message} \`driftline doctor --repair\` sets it aside.`);
        }
        return 0;
      });
      await sleep((1000 * bytes) / rate, undefined, { signal, ref: false });
    }
  }

  async function collect(): Promise<void> {
    const { removed, bytes } = await catalogue.collectUnused(Date.now() - keepDays * dayMs, {
      candidates: await store.candidates(),
    });
    if (removed > 0)
      tell(
        `Removed ${removed} ${removed === 1 ? "blob" : "blobs"} (${(bytes / 1e6).toFixed(1)} MB) unused for ${keepDays} days.`,
      );
  }

  async function rounds(): Promise<void> {
    for (;;) {
      await sleep(intervalMs, undefined, { signal, ref: false });
      await scrub();
      signal.throwIfAborted();
      // Where a manifest is damaged nothing is collected; scrubbing has named it.
      await collect().catch((error: Error) => tell(`Nothing was removed: ${error.message}`));
    }
  }

  const running = rounds().catch((error: unknown) => {
    if (!signal.aborted) tell(`Upkeep has stopped: ${(error as Error).message}`);
  });
  return {
    async close() {
      stop.abort();
      await running;
    },
  };
}
