// driftline data head: the first entries of files, as a table to look at or as JSON.

import { entryOf, openView } from "../../../streaming/assembly/view.ts";
import { defineCommand } from "../../command.ts";
import { integer } from "../../numbers.ts";
import { table } from "../../table.ts";
import { columnsOption, viewOf, viewOptions } from "./viewOptions.ts";

/** Entries decoded at a time while looking for those that pass a cut. */
const chunkEntries = 1000;

export const dataHead = defineCommand({
  name: "data head",
  summary: "Show the first entries of files.",
  positionals: ["FILE..."],
  options: {
    ...viewOptions,
    ...columnsOption,
    entries: { type: "string", value: "N", description: "How many (default 5)" },
  },
  examples: [
    "driftline data head events.root --columns 'nJet,Jet_pt,MET_*'",
    "driftline data head events.root --define 'HT=sum(Jet_pt)' --cut 'HT > 200' --entries 10",
  ],
  async run(context, files, options) {
    const wanted = integer("--entries", options.entries, { minimum: 1, maximum: 100_000 }) ?? 5;
    const view = await openView({ ...viewOf(files, options), signal: context.signal });
    try {
      const entries: Record<string, unknown>[] = [];
      let read = 0;
      for await (const chunk of view.chunks(Math.max(wanted, options.cut ? chunkEntries : wanted))) {
        for (let i = 0; i < chunk.entries && entries.length < wanted; i++) entries.push(entryOf(chunk, i));
        read += chunk.read;
        if (entries.length === wanted) break;
      }
      const rows = view.columns.map(({ name }) => [name, ...entries.map((entry) => shown(entry[name]))]);
      const header = ["", ...entries.map((_, i) => String(i))];
      return {
        json: entries.map(plain),
        text: entries.length > 0 ? table(header, rows) : `None of ${read} entries passes the cut.`,
      };
    } finally {
      await view.close();
    }
  },
});

const mostCharacters = 40;

function shown(value: unknown): string {
  const text = Array.isArray(value) ? `[${value.map(shown).join(", ")}]` : textOf(value);
  return text.length > mostCharacters ? `${text.slice(0, mostCharacters - 1)}…` : text;
}

function textOf(value: unknown): string {
  if (typeof value === "number")
    return Number.isInteger(value) ? String(value) : value.toPrecision(6).replace(/\.?0+($|e)/, "$1");
  if (typeof value === "object" && value !== null) return JSON.stringify(plain(value));
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

/** For JSON: 64-bit integers as numbers where exact, else as text; what is not finite as text. */
function plain(value: unknown): unknown {
  if (typeof value === "bigint") {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : String(value);
  }
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plain(one)]));
  return value;
}
