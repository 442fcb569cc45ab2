// Progress on standard error: one line redrawn on a terminal, a line now and then elsewhere.

/** A terminal, a pipe, or what a test collects texts with. */
export interface TextStream {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

export interface ProgressDisplay {
  /** Shows where something long stands. `fraction` 0 to 1 or null; `secondsLeft` or null. */
  update(label: string, fraction: number | null, secondsLeft: number | null, message: string | null): void;
  /** Prints a line that stays. */
  note(line: string): void;
  /** Ends the line that is being redrawn. */
  clear(): void;
}

const barWidth = 24;
const plainIntervalMs = 5_000;
const redrawIntervalMs = 100;

export function progressDisplay(stream: TextStream, quiet: boolean): ProgressDisplay {
  let drawn = false;
  let last = 0;
  let lastLabel = "";
  const clear = () => {
    if (drawn) stream.write("\r\x1b[K");
    drawn = false;
  };
  if (quiet) return { update: () => {}, note: () => {}, clear: () => {} };
  return {
    update(label, fraction, secondsLeft, message) {
      const now = Date.now();
      const interval = stream.isTTY ? redrawIntervalMs : plainIntervalMs;
      if (label === lastLabel && now - last < interval) return;
      last = now;
      lastLabel = label;
      const parts = [
        label.padEnd(9),
        stream.isTTY && fraction !== null ? bar(fraction) : "",
        fraction === null ? "" : `${Math.floor(fraction * 100)} %`.padStart(5),
        secondsLeft === null ? "" : `${formatSeconds(secondsLeft)} left`,
        message ?? "",
      ].filter((part) => part !== "");
      if (stream.isTTY) {
        clear();
        stream.write(parts.join("  ").slice(0, (stream.columns || 100) - 1));
        drawn = true;
      } else {
        stream.write(`  ${parts.join("  ")}\n`);
      }
    },
    note(line) {
      clear();
      stream.write(`${line}\n`);
    },
    clear,
  };
}

function bar(fraction: number): string {
  const full = Math.round(Math.min(1, Math.max(0, fraction)) * barWidth);
  return "█".repeat(full) + "░".repeat(barWidth - full);
}

export function formatSeconds(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${String(Math.round(seconds % 60)).padStart(2, "0")} s`;
}
