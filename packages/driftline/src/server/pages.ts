// A listing in pages: as many entries as were asked for, and whether more follow.

import { pageSize } from "@driftline/client/api";
import { z } from "zod";

export const pageLimit = z.coerce
  .number()
  .int()
  .min(1)
  .max(pageSize.largest)
  .default(pageSize.usual)
  .describe("Entries in a page");

export async function page<T>(
  listing: AsyncIterable<T>,
  limit: number,
): Promise<{ entries: T[]; more: boolean }> {
  const entries: T[] = [];
  for await (const entry of listing) {
    if (entries.length === limit) return { entries, more: true };
    entries.push(entry);
  }
  return { entries, more: false };
}
