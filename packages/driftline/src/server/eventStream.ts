// A job's events as server-sent events: ids to resume by, heartbeats, and a last event when the job has ended.

import { setTimeout as sleep } from "node:timers/promises";
import type { Driftline } from "@driftline/client/api";
import { toProblem } from "../errors/problem.ts";
import { DriftlineError, fail } from "../errors/registry.ts";

/**
 * The text of the stream. Only what the reader takes is asked for, so a slow reader holds back its own stream alone.
 * Ends after `event: end` when the job has ended, and at once when the signal is aborted.
 */
export async function* eventStream(
  driftline: Driftline,
  id: string,
  { after, signal, heartbeatMs }: { after: number; signal: AbortSignal; heartbeatMs: number },
): AsyncGenerator<string> {
  const stopped = new AbortController();
  const events = driftline.events(id, { after, signal: AbortSignal.any([signal, stopped.signal]) });
  const iterator = events[Symbol.asyncIterator]();
  const aborted = new Promise<"aborted">((resolve) => {
    if (signal.aborted) resolve("aborted");
    signal.addEventListener("abort", () => resolve("aborted"), { once: true });
  });
  try {
    // Sent at once, so that the client knows that it is connected.
    yield `retry: 1000\n: events of job ${id}\n\n`;
    let next = iterator.next();
    for (;;) {
      const timer = new AbortController();
      const quiet = sleep(heartbeatMs, "quiet" as const, { signal: timer.signal });
      quiet.catch(() => {});
      const outcome = await Promise.race([next, quiet, aborted]);
      timer.abort();
      if (outcome === "aborted") {
        next.catch(() => {});
        return;
      }
      if (outcome === "quiet") {
        yield ": still here\n\n";
        continue;
      }
      if (outcome.done) break;
      yield `id: ${outcome.value.seq}\ndata: ${JSON.stringify(outcome.value)}\n\n`;
      next = iterator.next();
    }
    if (signal.aborted) return;
    const { state } = await driftline.job(id);
    yield `event: end\ndata: ${JSON.stringify({ state })}\n\n`;
  } catch (error) {
    if (signal.aborted) return;
    // The status was sent long ago: the problem travels as an event.
    const known =
      error instanceof DriftlineError ? error : fail("internal", "The events could not be read any further.");
    yield `event: problem\ndata: ${JSON.stringify(toProblem(known))}\n\n`;
    if (known !== error) throw error;
  } finally {
    stopped.abort();
    await iterator.return?.();
  }
}
