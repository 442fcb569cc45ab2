// What the commands that look into files have in common: which tree, new columns, cut and columns.

import { fail } from "../../../errors/registry.ts";
import type { ViewOptions } from "../../../streaming/assembly/view.ts";

export const viewOptions = {
  tree: {
    type: "string",
    value: "NAME",
    description: "Tree or RNTuple of ROOT files (default: the only one)",
  },
  define: {
    type: "string",
    value: "NAME=EXPRESSION",
    multiple: true,
    description: "New column; it may use those before it",
  },
  cut: { type: "string", value: "EXPRESSION", description: "Only entries that pass" },
} as const;

export const columnsOption = {
  columns: {
    type: "string",
    value: "NAMES",
    multiple: true,
    description: "Names and globs of columns, with commas between (default: all)",
  },
} as const;

interface Given {
  tree?: string;
  define?: string[];
  cut?: string;
  columns?: string[];
}

export function viewOf(files: string[], { tree, define, cut, columns }: Given): ViewOptions {
  return {
    files,
    tree,
    define: Object.fromEntries((define ?? []).map(definition)),
    cut,
    columns: columns?.flatMap((text) => text.split(",")).map((name) => name.trim()),
  };
}

function definition(text: string): [string, string] {
  const match = /^\s*([A-Za-z_]\w*)\s*=(?!=)\s*(\S[\s\S]*)$/.exec(text);
  if (match) return [match[1], match[2]];
  throw fail("usage", `--define ${text}: a name, = and an expression are needed.`, {
    field: "--define",
    remedy: "For example --define 'HT=sum(Jet_pt)'.",
  });
}
