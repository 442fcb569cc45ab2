// Text in aligned columns.

/** Rows under a header; a header of empty words is left out. */
export function table(header: string[], rows: string[][]): string {
  const all = header.some((word) => word !== "") ? [header, ...rows] : rows;
  const widths = header.map((_, column) =>
    all.reduce((widest, row) => Math.max(widest, row[column].length), 0),
  );
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
