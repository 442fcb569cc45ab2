// Comma-separated values (RFC 4180), each record with the line on which it begins.

export interface CsvRecord {
  /** From 1. */
  line: number;
  cells: string[];
}

/** Null where a quote is not closed; blank lines are passed over. */
export function parseCsv(text: string): CsvRecord[] | null {
  const records: CsvRecord[] = [];
  let cells: string[] = [];
  let cell = "";
  let quoted = false;
  let line = 1;
  let start = 1;
  const endRecord = () => {
    cells.push(cell.trim());
    if (cells.some((each) => each !== "")) records.push({ line: start, cells });
    cells = [];
    cell = "";
  };
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === "\n") line++;
    if (quoted) {
      if (character !== '"') cell += character;
      else if (text[i + 1] === '"') {
        cell += '"';
        i++;
      } else quoted = false;
    } else if (character === '"' && cell.trim() === "") {
      quoted = true;
      cell = "";
    } else if (character === ",") {
      cells.push(cell.trim());
      cell = "";
    } else if (character === "\n") {
      endRecord();
      start = line;
    } else if (character !== "\r") cell += character;
  }
  if (quoted) return null;
  endRecord();
  return records;
}
