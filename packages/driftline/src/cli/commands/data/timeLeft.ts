// Progress over entries: how many, how fast, how long still.

import type { ProgressDisplay } from "../../progress.ts";

/** Shows the entries read so far; `total` is null where only reading tells. */
export function timeLeft(
  display: ProgressDisplay,
  label: string,
  total: number | null,
): (entries: number) => void {
  const started = performance.now();
  return (entries) => {
    const rate = entries / Math.max(performance.now() - started, 1) / 1e-3;
    const left = total === null ? null : (total - entries) / Math.max(rate, 1e-9);
    display.update(
      label,
      total === null ? null : entries / Math.max(total, 1),
      left,
      `${entries.toLocaleString("en")} entries, ${Math.round(rate).toLocaleString("en")}/s`,
    );
  };
}
