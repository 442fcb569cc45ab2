// What a read asks of a table, checked before anything is read: columns that are there and readable, a range inside.

import { nearestNames } from "@driftline/rootio";
import { unusable } from "./failure.ts";
import type { ReadRange, Table } from "./table.ts";

type Asked = Pick<Table, "location" | "holder" | "word" | "columns" | "entries">;

/**
 * The range of a read of these columns, so many entries at a time. Throws `invalid_data` naming the column, and the
 * nearest that there are, and RangeError for a range outside.
 */
export function checked(
  table: Asked,
  names: string[],
  size: number,
  range: ReadRange = {},
): Required<ReadRange> {
  columnsChecked(table, names);
  if (!(Number.isInteger(size) && size > 0)) throw new RangeError(`chunks of ${size} entries`);
  return rangeChecked(range, table.entries);
}

function columnsChecked({ location, holder, word, columns }: Asked, names: string[]): void {
  const byName = new Map(columns.map((column) => [column.name, column]));
  for (const name of names) {
    const column = byName.get(name);
    if (!column) {
      const near = nearestNames(name, [...byName.keys()]).map((near) => `"${near}"`);
      const nearest = near.length > 0 ? `; nearest are ${near.join(", ")}` : "";
      throw unusable(
        location,
        `${holder} has no ${word} "${name}"${nearest}`,
        `Name a ${word} that the file has.`,
      );
    }
    if (column.problem !== null)
      throw unusable(location, `${word} "${name}" ${column.problem}`, `Name another ${word}.`);
  }
}

/** The number of entries is null where nobody knows it yet. */
function rangeChecked({ start = 0, stop }: ReadRange, entries: number | null): Required<ReadRange> {
  const most = entries ?? Number.POSITIVE_INFINITY;
  const end = stop ?? most;
  const isWhole = Number.isInteger(start) && (stop === undefined || Number.isInteger(stop));
  if (!isWhole || start < 0 || start > end || end > most)
    throw new RangeError(`entries ${start} to ${end} of a table that has ${entries ?? "an unknown number"}`);
  return { start, stop: end };
}

/** Where pieces of so many entries begin that follow one another. */
export function beginnings(entries: number[]): number[] {
  let next = 0;
  return entries.map((count) => {
    next += count;
    return next - count;
  });
}
