// driftline data inspect: what files hold.

import { type FileContents, inspectFile, type TableContents } from "../../../streaming/sources/inspect.ts";
import { findFiles } from "../../../streaming/sources/locations.ts";
import { defineCommand } from "../../command.ts";
import { counted } from "../../counted.ts";
import { table } from "../../table.ts";

/** Columns that are listed without --all. */
const mostColumns = 40;

export const dataInspect = defineCommand({
  name: "data inspect",
  summary: "Show what files hold: trees, columns, types, entries, sizes, and what cannot be read.",
  positionals: ["FILE..."],
  options: {
    tree: { type: "string", value: "NAME", description: "Only this tree" },
    all: { type: "boolean", description: "List all columns, however many" },
  },
  examples: [
    "driftline data inspect events.root",
    "driftline data inspect root://eospublic.cern.ch//eos/opendata/cms/derived-data/AOD2NanoAODOutreachTool/Run2012BC_DoubleMuParked_Muons.root",
  ],
  async run(context, files, { tree, all }) {
    const contents: FileContents[] = [];
    for (const file of await findFiles(files, { signal: context.signal })) {
      const found = await inspectFile(file, { signal: context.signal });
      contents.push({
        ...found,
        tables: found.tables.filter(({ name }) => tree === undefined || name === tree),
      });
    }
    return { json: contents, text: contents.map((one) => fileText(one, all === true)).join("\n\n") };
  },
});

function fileText({ location, bytes, tables }: FileContents, all: boolean): string {
  const head = `${location}: ${size(bytes)}`;
  if (tables.length === 0) return `${head}, no tree`;
  return [head, ...tables.map((one) => tableText(one, all))].join("\n\n");
}

function tableText({ name, className, entries, columns, problem }: TableContents, all: boolean): string {
  const title = [
    name === "" ? className : `${className} "${name}"`,
    entries === null ? "" : entries === 1 ? "1 entry" : `${entries} entries`,
    counted(columns.length, "column"),
  ].filter((part) => part !== "");
  if (problem !== null) return `${title[0]}: ${problem}`;
  const listed = all ? columns : columns.slice(0, mostColumns);
  const rows = listed.map((column) => [
    `  ${column.name}`,
    column.typeName,
    column.bytes === null ? "" : size(column.bytes),
    column.problem ?? "",
  ]);
  const more = columns.length - listed.length;
  return [
    title.join(", "),
    table(["", "", "", ""], rows),
    ...(more > 0 ? [`  … and ${more} more; --all lists them`] : []),
  ].join("\n");
}

function size(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = bytes < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${power === 0 ? value : value.toPrecision(3)} ${units[power]}`;
}
