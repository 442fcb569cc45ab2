// The first entries of a listing, as --limit asks for them.

import { integer } from "./numbers.ts";

export const limitOption = { type: "string", value: "N", description: "Only the newest N" } as const;

/** All entries where no limit is given. */
export async function newest<T>(listing: AsyncIterable<T>, limit: string | undefined): Promise<T[]> {
  const most = integer("--limit", limit, { minimum: 1 }) ?? Number.POSITIVE_INFINITY;
  const entries: T[] = [];
  for await (const entry of listing) {
    entries.push(entry);
    if (entries.length === most) break;
  }
  return entries;
}
