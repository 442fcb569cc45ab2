// A new file that grows at its end: under a temporary name until it is closed.

import { fileSink } from "@driftline/rootio";

export interface Appendable {
  /** Bytes so far. */
  size: number;
  append(bytes: Uint8Array): Promise<void>;
  close(): Promise<number>;
  abort(): Promise<void>;
}

/** Throws rootio's WriteError, as its methods do. */
export async function appendable(path: string): Promise<Appendable> {
  const sink = await fileSink(path);
  const file: Appendable = {
    size: 0,
    append: async (bytes) => {
      await sink.write(bytes, file.size);
      file.size += bytes.length;
    },
    close: async () => {
      await sink.close();
      return file.size;
    },
    abort: () => sink.abort(),
  };
  return file;
}
