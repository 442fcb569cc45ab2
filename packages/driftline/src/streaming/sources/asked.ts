// What a read asks of a table, checked before anything is read: columns that are there and readable, a range inside.

import { nearestNames } from "@driftline/rootio";
import { unusable } from "./failure.ts";
import type { ReadRange, Table } from "./table.ts";

/** Throws `invalid_data` naming the column, and the nearest that there are. */
export function columnsChecked(
  { location, holder, word, columns }: Pick<Table, "location" | "holder" | "word" | "columns">,
  names: string[],
): void {
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

/** Throws RangeError where the range is not within the table. `entries` is null where nobody knows how many there are. */
export function rangeChecked(
  { start = 0, stop }: ReadRange = {},
  entries: number | null,
): Required<ReadRange> {
  const end = stop ?? entries ?? Number.POSITIVE_INFINITY;
  const whole = Number.isInteger(start) && (Number.isInteger(end) || stop === undefined);
  if (!whole || start < 0 || start > end || end > (entries ?? Number.POSITIVE_INFINITY))
    throw new RangeError(`entries ${start} to ${end} of a table that has ${entries ?? "an unknown number"}`);
  return { start, stop: end };
}
