// Responses from ROOT or Parquet files: columns to features and images, row by row checked and counted.

import { stat } from "node:fs/promises";
import { fail } from "../errors/registry.ts";
import type { FileMapping, InputFeature, OutputImage } from "../family/family.ts";
import type { ResponseBatch } from "../family/responses.ts";
import type { ColumnChunk, ColumnFile } from "./columnFile.ts";
import { type Coverage, coverage, mergeCoverage } from "./coverage.ts";
import { fileDigest, rowIds } from "./identity.ts";
import { imager } from "./image.ts";
import { type MappedColumns, mapColumns } from "./mapping.ts";
import { openColumnFile } from "./openColumns.ts";

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

/** What was read so far; complete when the batches have ended. */
export interface ReadCounts {
  /** In the order of reading. */
  files: { path: string; sha256: string; bytes: number; entries: number }[];
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
  const files: (ColumnFile & { sha256: string; mapped: MappedColumns })[] = [];
  try {
    for (const path of options.files) {
      const file = await openColumnFile(path, mapping.tree);
      files.push({
        ...file,
        sha256: await fileDigest(path, signal),
        mapped: mapColumns(file, mapping, inputs, output),
      });
    }
    files.sort((a, b) => (a.sha256 < b.sha256 ? -1 : 1));
    files.forEach((file, i) => {
      if (i === 0 || file.sha256 !== files[i - 1].sha256) return;
      throw fail("invalid_data", `${files[i - 1].path} and ${file.path} have the same content`, {
        field: "data.files",
        remedy: "Give each file once.",
      });
    });
    const total = files.reduce((sum, file) => sum + file.entries, 0);
    if (total === 0)
      throw fail(
        "invalid_data",
        `cannot read responses: ${options.files.join(", ") || "no file"} has no entries`,
        {
          field: "data.files",
          remedy: "Give at least one file with entries.",
        },
      );
    for (const file of files) {
      const { path, sha256, entries, mapped } = file;
      counts.files.push({ path, sha256, bytes: (await stat(path)).size, entries });
      const names = [...new Set([...mapped.inputs, ...mapped.digits])];
      for await (const chunk of file.chunks(names)) {
        for (let from = 0; from < chunk.entries; from += batchRows) {
          signal?.throwIfAborted();
          const to = Math.min(from + batchRows, chunk.entries);
          const batch = toBatch(options, file, chunk, from, to, counts);
          counts.rows += batch.rows;
          counts.coverage = mergeCoverage(counts.coverage, coverage(batch, inputs));
          onProgress?.(counts.rows / total, `reading ${path}`);
          yield batch;
        }
      }
    }
  } finally {
    for (const file of files) await file.close();
  }
}

function toBatch(
  { inputs, output, threshold, saturation }: ReadOptions,
  file: ColumnFile & { sha256: string; mapped: MappedColumns },
  chunk: ColumnChunk,
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
      `cannot use entry ${chunk.start + entry} of ${file.path}, ${file.word} "${column}": ${problem}`,
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
  return { rows, features, responses, ids: rowIds(file.sha256, chunk.start + from, rows) };
}

function emptyBatch(): ResponseBatch {
  return { rows: 0, features: new Float32Array(), responses: new Float32Array(), ids: new BigInt64Array() };
}
