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
      const names = branchNames(columns.map((column) => column.name));
      const tree = file.tree(
        name,
        columns.map((column, i) => ({ name: names[i], shape: column.shape })),
      );
      return {
        append: ({ columns: values }) =>
          tree.append(Object.fromEntries(columns.map((column, i) => [names[i], values[column.name]]))),
        close: async () => (await file.close()).bytes,
        abort: () => file.abort(),
      };
    } catch (error) {
      await file.abort();
      throw error;
    }
  },
};

/**
 * Of a path of branches ("muon/muon.pt") the last part, which is how ROOT knows it, or where two would be the same the
 * whole path with dots; brackets, which are lengths of arrays to ROOT, become underscores.
 */
function branchNames(names: string[]): string[] {
  const plain = names.map((name) => name.replace(/[[\]]/g, "_"));
  const last = plain.map((name) => name.slice(name.lastIndexOf("/") + 1));
  const unique = (name: string) => last.filter((other) => other === name).length === 1;
  return last.map((name, i) => (name !== "" && unique(name) ? name : plain[i].replaceAll("/", ".")));
}

/** A branch is a string, a number, a fixed array, or a counted list of these two. */
function problemOf(shape: Shape): string | null {
  if (shape.kind === "string") return null;
  const item = shape.kind === "list" && shape.length === undefined ? shape.content : shape;
  const numbers = fixedNumbers(item);
  if (!numbers) return "it holds numbers, fixed arrays, lists of these, and strings";
  return numbers.dimensions.includes(0) ? "its arrays have at least one value" : null;
}
