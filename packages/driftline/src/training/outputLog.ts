// Keeps the output of an attempt in a file: so many bytes and no more, then that it was cut, then its last words.

import { appendFileSync, closeSync, openSync, readSync, renameSync, statSync, writeFileSync } from "node:fs";

export interface OutputLog {
  write(text: string): void;
  close(): void;
}

const tailCharacters = 8192;

/** Appends to the file at `path`, which others may append to as well. A disk that takes no more is no error. */
export function outputLog(path: string, maximumBytes: number): OutputLog {
  let left = maximumBytes;
  let cutBytes = 0;
  let tail = "";
  const append = (text: string) => {
    try {
      appendFileSync(path, text);
    } catch {
      // The log is there to help; for want of it nothing fails.
    }
  };
  return {
    write(text) {
      const size = Buffer.byteLength(text);
      if (size <= left) {
        left -= size;
        append(text);
        return;
      }
      if (cutBytes === 0) {
        const kept = Buffer.from(text).subarray(0, left).toString("utf8");
        append(`${kept}\n[cut here: limits.logMiB is reached]\n`);
      }
      cutBytes += size - left;
      left = 0;
      tail = (tail + text).slice(-tailCharacters);
    },
    close() {
      if (cutBytes > 0) append(`[${cutBytes} bytes were cut; the last of them:]\n${tail}\n`);
      cutBytes = 0;
    },
  };
}

/** Keeps the last half of `maximumBytes` of a file that has grown beyond it. */
export function trimLog(path: string, maximumBytes: number): void {
  try {
    const { size } = statSync(path);
    if (size <= maximumBytes) return;
    const kept = Buffer.alloc(Math.floor(maximumBytes / 2));
    const file = openSync(path, "r");
    const length = readSync(file, kept, 0, kept.length, size - kept.length);
    closeSync(file);
    const first = kept.indexOf(0x0a) + 1;
    writeFileSync(`${path}.trimmed`, `[${size - length + first} earlier bytes were cut]\n`);
    appendFileSync(`${path}.trimmed`, kept.subarray(first, length));
    renameSync(`${path}.trimmed`, path);
  } catch {
    // No log yet, or a disk that takes no more.
  }
}
