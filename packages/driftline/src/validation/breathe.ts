// Long computations pause here, so that a server goes on answering and a cancelled job ends.

import { setImmediate } from "node:timers/promises";
import { fail } from "../errors/registry.ts";

/** Lets the event loop turn once. Throws `cancelled` where `signal` is aborted. */
export async function breathe(signal?: AbortSignal): Promise<void> {
  await setImmediate();
  if (signal?.aborted) throw fail("cancelled", "Validating: cancelled.");
}
