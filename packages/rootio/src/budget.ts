// The memory that one read may take: a damaged or hostile file can claim any number of entries.

/** Bytes of decompressed and decoded data in one read, unless the caller sets another limit. */
export const defaultMaxBytes = 768 * 1024 * 1024;

/** One read would take more memory than its limit. */
export class OverBudgetError extends Error {}

export type Take = (bytes: number) => void;

/** Counts bytes before they are allocated, and throws OverBudgetError beyond the limit. */
export function budget(maxBytes: number): Take {
  let left = maxBytes;
  return (bytes) => {
    left -= bytes;
    if (!(left >= 0))
      throw new OverBudgetError(
        `would take more than ${maxBytes} bytes of memory; read fewer entries or branches at a time, or open the file with a larger maxBytes`,
      );
  };
}
