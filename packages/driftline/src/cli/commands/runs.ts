// driftline runs: tags with their tables of runs; importing and freezing them.

import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import type { Campaigns, Imported } from "@driftline/client/campaigns";
import { fail } from "../../errors/registry.ts";
import { defineCommand, type Outcome } from "../command.ts";
import { counted } from "../counted.ts";
import { table } from "../table.ts";

export const runs = defineCommand({
  name: "runs",
  summary:
    "List tags, show the runs of one, import a table of runs (import FILE), or close a tag (freeze TAG).",
  positionals: ["TAG_OR_ACTION?", "FILE_OR_TAG?"],
  options: {
    replace: { type: "boolean", description: "With import: in the place of what each tag had" },
  },
  examples: ["driftline runs import runs.csv", "driftline runs freeze mc2026", "driftline runs mc2026"],
  async run(context, [word, name], options) {
    const action = name !== undefined || word === "import" || word === "freeze" ? word : null;
    if (action !== null && action !== "import" && action !== "freeze") {
      throw fail("usage", `driftline runs: there is no action ${JSON.stringify(action)}.`, {
        field: "TAG_OR_ACTION",
        remedy: "Use `runs import FILE` or `runs freeze TAG`.",
      });
    }
    if (action !== null && name === undefined) {
      throw fail("usage", `driftline runs ${action}: ${action === "import" ? "FILE" : "TAG"} is missing.`, {
        field: "FILE_OR_TAG",
        remedy: `Such as \`driftline runs ${action} ${action === "import" ? "runs.csv" : "mc2026"}\`.`,
      });
    }
    if (options.replace && action !== "import") {
      throw fail("usage", "driftline runs: --replace is for import.", {
        field: "--replace",
        remedy: "Leave it out.",
      });
    }
    const { campaigns } = await context.driftline();
    if (action === "import") return importFile(campaigns, name, options.replace === true);
    if (action === "freeze") return freeze(campaigns, name);
    return word === undefined ? list(campaigns) : show(campaigns, word);
  },
});

async function importFile(campaigns: Campaigns, path: string, replace: boolean): Promise<Outcome> {
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    const why = cause.code === "ENOENT" ? "there is no such file" : cause.message;
    throw fail("usage", `Importing ${path}: ${why}.`, {
      field: "FILE_OR_TAG",
      remedy: "Name a table of runs, CSV or JSON.",
      cause,
    });
  });
  const file = basename(path);
  const imported = await campaigns.importRuns({ file, content: textOf(path, bytes), replace });
  const lines = imported.flatMap(({ tag, changed, ranges, added, gaps }) => [
    changed
      ? `Tag ${tag}: ${counted(added, "range")} added, ${ranges} in all.`
      : `Tag ${tag}: nothing new, ${counted(ranges, "range")}.`,
    ...gaps.map((gap) => `  ${describeGap(file, gap)}`),
  ]);
  return { json: { imported }, text: lines.join("\n") };
}

function textOf(path: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw fail("invalid_data", `Importing ${path}: it is not text in UTF-8.`, {
      field: "FILE_OR_TAG",
      remedy: "Name a table of runs, CSV or JSON.",
      cause,
    });
  }
}

function describeGap(file: string, { firstRun, lastRun, after, before }: Imported["gaps"][number]): string {
  const side = (line: number | null) => (line === null ? "runs imported before" : `line ${line}`);
  const runs = firstRun === lastRun ? `run ${firstRun} is` : `runs ${firstRun}-${lastRun} are`;
  return `gap: ${runs} in no range, between ${side(after)} and ${side(before)} of ${file}`;
}

async function freeze(campaigns: Campaigns, tag: string): Promise<Outcome> {
  await campaigns.freeze(tag);
  return {
    json: { tag, frozen: true },
    text: `Tag ${tag} is frozen: its table of runs does not change any more.`,
  };
}

async function list(campaigns: Campaigns): Promise<Outcome> {
  const tags = await campaigns.tags();
  if (tags.length === 0) return { json: tags, text: "No tags yet. `driftline runs import FILE` makes one." };
  return {
    json: tags,
    text: table(
      ["tag", "", "ranges", "runs", "locks", "changed"],
      tags.map(({ tag, frozen, ranges, firstRun, lastRun, locks, changedAt }) => [
        tag,
        frozen ? "frozen" : "open",
        String(ranges),
        `${firstRun}-${lastRun}`,
        String(locks),
        changedAt.slice(0, 19),
      ]),
    ),
  };
}

async function show(campaigns: Campaigns, tag: string): Promise<Outcome> {
  const { content: _, ...shown } = await campaigns.tag(tag);
  const rows = shown.ranges.map(({ firstRun, lastRun, conditions, software }) => [
    `${firstRun}-${lastRun}`,
    [...Object.entries(conditions), ...Object.entries(software)]
      .map(([name, value]) => `${name}=${value}`)
      .join(", "),
  ]);
  return { json: shown, text: table([`${tag} (${shown.frozen ? "frozen" : "open"})`, ""], rows) };
}
