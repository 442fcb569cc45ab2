// Arrow's IPC files (.arrow, .feather) and streams (.arrows): a record batch for each chunk.

import { concat } from "@driftline/rootio";
import { toArrow } from "@driftline/rootio/arrow";
import { RecordBatchFileWriter, RecordBatchStreamWriter } from "apache-arrow";
import { appendable } from "./appendable.ts";
import { compact } from "./compact.ts";
import type { Format, TableChunk } from "./writer.ts";

/** Those of the library, which keep how many bytes they gave out to themselves. */
class FileWriter extends RecordBatchFileWriter {
  get given() {
    return this._position;
  }
}
class StreamWriter extends RecordBatchStreamWriter {
  get given() {
    return this._position;
  }
}

const formatOf = (name: string, Writer: typeof FileWriter | typeof StreamWriter): Format => ({
  name,
  compressions: ["none"],
  problemOf: () => null,
  open: async (path, columns) => {
    const file = await appendable(path);
    const writer = new Writer();
    const tableOf = (chunk: TableChunk["columns"]) =>
      toArrow(Object.fromEntries(columns.map((column) => [column.name, compact(chunk[column.name])])));
    const none = Object.fromEntries(columns.map((column) => [column.name, concat([], column.shape)]));
    const bytes = writer[Symbol.asyncIterator]();
    /** What the writer gave out since the last time, so that it holds no more than a chunk. */
    const drain = async () => {
      while (file.size < writer.given) {
        const next = await bytes.next();
        if (next.done) return;
        await file.append(next.value);
      }
    };
    writer.reset(undefined, tableOf(none).schema);
    return {
      append: async ({ columns: chunk, entries }) => {
        if (entries === 0) return;
        for (const batch of tableOf(chunk).batches) writer.write(batch);
        await drain();
      },
      close: async () => {
        writer.finish();
        for (let next = await bytes.next(); !next.done; next = await bytes.next())
          await file.append(next.value);
        return file.close();
      },
      abort: () => file.abort(),
    };
  },
});

export const arrow = formatOf("an Arrow file", FileWriter);
export const arrowStream = formatOf("an Arrow stream", StreamWriter);
