// Responses from files of any format, here or on a server: columns to features and images, row by row checked and counted.

import type { Column } from "@driftline/rootio";
import { fail } from "../errors/registry.ts";
import type { FileMapping, InputFeature, OutputImage } from "../family/family.ts";
import type { ResponseBatch } from "../family/responses.ts";
import { type Coverage, coverage, mergeCoverage } from "./coverage.ts";
import { fileDigest, rowIds } from "./identity.ts";
import { imager } from "./image.ts";
import { type MappedColumns, mapColumns } from "./mapping.ts";
import { isAddress } from "./sources/address.ts";
import { openTableFile } from "./sources/open.ts";
import type { Table } from "./sources/table.ts";

export interface ReadOptions {
  files: string[];
  mapping: FileMapping;
  inputs: InputFeature[];
  output: OutputImage;
  /** Amplitudes below count as zero, in the output's unit; null for no cut. */
  threshold: number | null;
  /** Amplitudes above are set to this; null for none. */
  saturation: number | null;
  batchRows?: number;
  /** Fraction of the entries read so far, 0 to 1, and what is being read. */
  onProgress?: (fraction: number, message: string | null) => void;
  signal?: AbortSignal;
}

export interface ReadFile {
  /** Path, or address without secrets. */
  path: string;
  /** SHA-256 of the whole content; null of a file on a server, which is not read whole. */
  sha256: string | null;
  /** See sources/fingerprint.ts. */
  fingerprint: string;
  bytes: number;
  entries: number;
}

/** What was read so far; complete when the batches have ended. */
export interface ReadCounts {
  /** In the order of reading. */
  files: ReadFile[];
  rows: number;
  digits: number;
  digitsOutside: number;
  digitsBelowThreshold: number;
  digitsSaturated: number;
  /** Rows with at least one input outside the family's domain, and how many for each input. They are kept. */
  rowsOutsideDomain: number;
  outsideDomain: Record<string, number>;
  /** Range of each input, as float32. */
  coverage: Coverage;
}

export interface ResponseReader extends AsyncIterable<ResponseBatch> {
  readonly counts: ReadCounts;
}

/**
 * Reads responses in batches of at most `batchRows` (4,096). Inputs are rounded to float32; a digit's cell is
 * number - trunc(coordinate) - first on each axis. Rows have an identity from the content of their file and the entry
 * number; files are read in the order of their digests, so that neither paths nor the order given change anything.
 * Throws `invalid_data` naming file, branch and entry: missing file, tree or branch, wrong type, an input or amplitude
 * that is not finite, an integer input that is none, two digits in one cell, the same content given twice.
 */
export function readResponses(options: ReadOptions): ResponseReader {
  const counts: ReadCounts = {
    files: [],
    rows: 0,
    digits: 0,
    digitsOutside: 0,
    digitsBelowThreshold: 0,
    digitsSaturated: 0,
    rowsOutsideDomain: 0,
    outsideDomain: Object.fromEntries(options.inputs.map(({ name }) => [name, 0])),
    coverage: coverage(emptyBatch(), options.inputs),
  };
  return { counts, [Symbol.asyncIterator]: () => batches(options, counts) };
}

async function* batches(options: ReadOptions, counts: ReadCounts): AsyncGenerator<ResponseBatch> {
  const { inputs, output, mapping, batchRows = 4096, onProgress, signal } = options;
  const open = (path: string) => openTableFile(path, { tree: mapping.tree, signal });
  const files: (ReadFile & { from: string; digest: string; stamp: string; known: number | null })[] = [];
  // Each is looked at before the first is read, and no more than one is open.
  for (const from of options.files) {
    const { table, size, stamp } = await open(from);
    try {
      mapColumns(table, mapping, inputs, output);
      const fingerprint = await table.fingerprint();
      const sha256 = isAddress(from) ? null : await fileDigest(from, signal);
      const { entries: known, location: path } = table;
      const digest = sha256 ?? fingerprint;
      files.push({ from, path, sha256, fingerprint, bytes: size, entries: known ?? 0, digest, stamp, known });
    } finally {
      await table.close();
    }
  }
  files.sort((a, b) => (a.digest < b.digest ? -1 : 1));
  refuseTwice(files);
  const total = files.reduce((sum, { known }) => sum + (known ?? 0), 0);
  const isKnown = files.every(({ known }) => known !== null);
  for (const [index, file] of files.entries()) {
    const { table, stamp } = await open(file.from);
    try {
      if (stamp !== file.stamp)
        throw fail("invalid_data", `cannot read responses from ${file.path}: it has changed meanwhile`, {
          field: "data.files",
          remedy: "Read it again once nothing writes to it.",
        });
      const { path, sha256, fingerprint, bytes, digest } = file;
      const read: ReadFile = { path, sha256, fingerprint, bytes, entries: 0 };
      counts.files.push(read);
      const mapped = mapColumns(table, mapping, inputs, output);
      const from = { table, digest, mapped };
      for await (const chunk of numberChunks(table, mapped, signal)) {
        read.entries += chunk.entries;
        for (let row = 0; row < chunk.entries; row += batchRows) {
          signal?.throwIfAborted();
          const batch = toBatch(options, from, chunk, row, Math.min(row + batchRows, chunk.entries), counts);
          counts.rows += batch.rows;
          counts.coverage = mergeCoverage(counts.coverage, coverage(batch, inputs));
          onProgress?.(isKnown ? counts.rows / total : index / files.length, `reading ${path}`);
          yield batch;
        }
      }
    } finally {
      await table.close();
    }
  }
  if (counts.rows > 0) return;
  throw fail(
    "invalid_data",
    `cannot read responses: ${options.files.join(", ") || "no file"} has no entries`,
    {
      field: "data.files",
      remedy: "Give at least one file with entries.",
    },
  );
}

/** Of a file on a server only the fingerprint is known, so that is what it is compared by. */
function refuseTwice(files: (ReadFile & { digest: string })[]): void {
  const seen = new Map<string, ReadFile>();
  for (const file of files) {
    const before = seen.get(file.fingerprint);
    const isSame =
      before && (before.sha256 === null || file.sha256 === null || before.sha256 === file.sha256);
    if (isSame)
      throw fail("invalid_data", `${before.path} and ${file.path} have the same content`, {
        field: "data.files",
        remedy: "Give each file once.",
      });
    seen.set(file.fingerprint, file);
  }
}

/** The values of one column; of an entry that is a list they are `values[offsets[i]]` to `values[offsets[i + 1] - 1]`. */
interface Numbers {
  values: ArrayLike<number>;
  offsets: Int32Array | null;
}

interface NumberChunk {
  start: number;
  entries: number;
  columns: Record<string, Numbers>;
}

/** Entries read at a time. */
const chunkEntries = 4096;

async function* numberChunks(
  table: Table,
  { inputs, digits }: MappedColumns,
  signal: AbortSignal | undefined,
): AsyncGenerator<NumberChunk> {
  for await (const { start, entries, columns } of table.chunks(
    [...new Set([...inputs, ...digits])],
    chunkEntries,
  )) {
    signal?.throwIfAborted();
    const numbers = Object.entries(columns).map(([name, column]) => [name, numbersOf(column)]);
    yield { start, entries, columns: Object.fromEntries(numbers) };
  }
}

function numbersOf(column: Column): Numbers {
  const content = column.kind === "list" ? column.content : column;
  if (content.kind !== "number") throw new TypeError(`a column of ${content.kind}`);
  const { values } = content;
  const isWide = values instanceof BigInt64Array || values instanceof BigUint64Array;
  return {
    values: isWide ? Float64Array.from(values, Number) : values,
    offsets: column.kind === "list" ? column.offsets : null,
  };
}

function toBatch(
  { inputs, output, threshold, saturation }: ReadOptions,
  file: { table: Table; digest: string; mapped: MappedColumns },
  chunk: NumberChunk,
  from: number,
  to: number,
  counts: ReadCounts,
): ResponseBatch {
  const rows = to - from;
  const cells = output.axes[0].size * output.axes[1].size;
  const features = new Float32Array(rows * inputs.length);
  const responses = new Float32Array(rows * cells);
  const wrong = (entry: number, field: string, column: string, problem: string) =>
    fail(
      "invalid_data",
      `cannot use entry ${chunk.start + entry} of ${file.table.location}, ${file.table.word} "${column}": ${problem}`,
      { field, remedy: "Correct the entry or leave it out of the file." },
    );
  const outsideRow = new Uint8Array(rows);
  inputs.forEach(({ name, low, high, integer }, column) => {
    const branch = file.mapped.inputs[column];
    const { values } = chunk.columns[branch];
    for (let row = 0; row < rows; row++) {
      const value = values[from + row];
      const feature = Math.fround(value);
      const problem = !Number.isFinite(feature)
        ? `${name} is ${value}`
        : integer && !Number.isInteger(value)
          ? `${name} is ${value}, but must be an integer`
          : null;
      if (problem) throw wrong(from + row, `data.files.inputs.${name}`, branch, problem);
      features[row * inputs.length + column] = feature;
      if (value < low || value > high) {
        counts.outsideDomain[name]++;
        outsideRow[row] = 1;
      }
    }
  });
  counts.rowsOutsideDomain += outsideRow.reduce((sum, outside) => sum + outside, 0);
  const [first, second, amplitude] = file.mapped.digits;
  const numbers: [ArrayLike<number>, ArrayLike<number>] = [
    chunk.columns[first].values,
    chunk.columns[second].values,
  ];
  const { values: amplitudes, offsets } = chunk.columns[amplitude];
  const place = imager(inputs, output, { threshold, saturation });
  for (let row = 0; row < rows; row++) {
    const entry = from + row;
    const [start, end] = [offsets![entry], offsets![entry + 1]];
    for (const name of [first, second]) {
      const other = chunk.columns[name].offsets!;
      if (other[entry] !== start || other[entry + 1] !== end)
        throw wrong(
          entry,
          "data.files.output",
          name,
          `it has ${other[entry + 1] - other[entry]} values, but "${amplitude}" has ${end - start}`,
        );
    }
    const placed = place(
      responses.subarray(row * cells, (row + 1) * cells),
      features.subarray(row * inputs.length, (row + 1) * inputs.length),
      { numbers, amplitudes, from: start, to: end },
    );
    if (placed.problem) throw wrong(entry, "data.files.output", amplitude, placed.problem);
    counts.digits += end - start;
    counts.digitsOutside += placed.outside;
    counts.digitsBelowThreshold += placed.belowThreshold;
    counts.digitsSaturated += placed.saturated;
  }
  return { rows, features, responses, ids: rowIds(file.digest, chunk.start + from, rows) };
}

function emptyBatch(): ResponseBatch {
  return { rows: 0, features: new Float32Array(), responses: new Float32Array(), ids: new BigInt64Array() };
}
