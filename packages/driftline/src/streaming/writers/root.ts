// ROOT files: a flat TTree, as ROOT, uproot and this library read it.

import { type Compression, createRootFile, type Shape } from "@driftline/rootio";
import { fixedNumbers } from "./shapes.ts";
import type { Format } from "./writer.ts";

export const root: Format = {
  name: "a flat ROOT tree",
  compressions: ["zlib", "lz4", "zstd", "none"],
  problemOf,
  open: async (path, columns, { tree: name, compression }) => {
    const file = await createRootFile(path, { compression: compression as Compression });
    try {
      const tree = file.tree(name, columns);
      return {
        append: ({ columns: values }) => tree.append(values),
        close: async () => (await file.close()).bytes,
        abort: () => file.abort(),
      };
    } catch (error) {
      await file.abort();
      throw error;
    }
  },
};

/** A branch is a string, a number, a fixed array, or a counted list of these two. */
function problemOf(shape: Shape): string | null {
  if (shape.kind === "string") return null;
  const item = shape.kind === "list" && shape.length === undefined ? shape.content : shape;
  const numbers = fixedNumbers(item);
  if (!numbers) return "it holds numbers, fixed arrays, lists of these, and strings";
  return numbers.dimensions.includes(0) ? "its arrays have at least one value" : null;
}
