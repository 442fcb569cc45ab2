// Bundles on this machine, one directory a digest; several processes can use one cache at once.

import { rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Driftline } from "./api.ts";
import { DriftlineError } from "./error.ts";
import { fullDigest, pull } from "./pull.ts";

export interface BundleCache {
  /**
   * The directory of a bundle, downloaded if it isn't here. Its digests were checked; one found damaged is replaced.
   * With a whole digest the catalogue is asked only for what is missing.
   */
  get(driftline: Driftline, bundle: string): Promise<string>;
}

export function bundleCache(directory: string): BundleCache {
  const root = resolve(directory);
  return {
    async get(driftline, bundle) {
      const digest = await fullDigest(driftline, bundle);
      const path = join(root, digest);
      try {
        await pull(driftline, digest, path);
      } catch (error) {
        if (!(error instanceof DriftlineError)) throw error;
        // Only what is here is set aside: a catalogue that sends damaged bytes fails again below.
        if (error.code !== "damaged" && error.field !== "directory") throw error;
        await setAside(path);
        await pull(driftline, digest, path);
      }
      return path;
    },
  };
}

/** Renames first, so that no other process sees half a bundle. */
async function setAside(path: string): Promise<void> {
  const aside = `${path}.damaged-${process.pid}-${Date.now()}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  await rm(aside, { recursive: true, force: true });
}
