// Keeps a job's lease while it is worked on, and tells the work when to stop: lease lost, job cancelled, process told to end.

import { fail } from "../../errors/registry.ts";
import type { JobStore } from "../jobs/jobStore.ts";

export interface Lease {
  /** Aborts when the lease is lost, the job is cancelled, or the process is told to stop. */
  signal: AbortSignal;
  state(): "held" | "lost" | "cancelled" | "stopped";
  release(): Promise<void>;
}

const pollMs = 250;

export function holdLease(store: JobStore, id: string, fence: number, stop: AbortSignal): Lease {
  const controller = new AbortController();
  let state: ReturnType<Lease["state"]> = "held";
  const end = (why: typeof state) => {
    if (state !== "held") return;
    state = why;
    controller.abort(fail(why === "lost" ? "lease_lost" : "cancelled", `Job ${id} was ${why}.`));
  };
  const onStop = () => end("stopped");
  if (stop.aborted) onStop();
  stop.addEventListener("abort", onStop);
  let checking: Promise<void> | null = null;
  const timer = setInterval(() => {
    checking ??= store
      .renew(id, fence)
      .then(({ held, cancelRequested }) => {
        if (!held) end("lost");
        else if (cancelRequested) end("cancelled");
      })
      // A busy database is asked again at the next tick; the fencing token guards every write.
      .catch(() => {})
      .finally(() => {
        checking = null;
      });
  }, pollMs);
  return {
    signal: controller.signal,
    state: () => state,
    async release() {
      clearInterval(timer);
      stop.removeEventListener("abort", onStop);
      await checking;
    },
  };
}
