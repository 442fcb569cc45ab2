// The options by which every command states a question, and how questions and answers are printed.

import type { Difference, Hit, Miss, Resolution } from "@driftline/client/api";
import { fail } from "../errors/registry.ts";
import type { OptionValues } from "./command.ts";
import { table } from "./table.ts";

export const questionOptions = {
  at: {
    type: "string",
    multiple: true,
    value: "NAME=VALUE",
    description:
      "A condition, for example drift_velocity=5.45cm/us; the others take the family's nominal values",
  },
  software: {
    type: "string",
    multiple: true,
    value: "NAME=NAME/VERSION",
    description: "What the responses depend on, for example simulator=mpdroot/unknown",
  },
  accept: {
    type: "string",
    value: "exact|compatible",
    description: "compatible: also a model whose measured domain covers the conditions",
  },
} as const;

export interface QuestionRequest {
  conditions: Record<string, string>;
  software: Record<string, string>;
  accept: "exact" | "compatible";
}

export function questionOf(options: OptionValues<typeof questionOptions>): QuestionRequest {
  const accept = options.accept ?? "exact";
  if (accept !== "exact" && accept !== "compatible") {
    throw fail("usage", `--accept ${accept}: there is no such way to resolve.`, {
      field: "--accept",
      remedy: "Use --accept exact or --accept compatible.",
    });
  }
  return {
    conditions: assignments("--at", options.at ?? []),
    software: assignments("--software", options.software ?? []),
    accept,
  };
}

/** Reads NAME=VALUE words. Throws `usage` for one without = and for a name given twice. */
export function assignments(option: string, words: string[]): Record<string, string> {
  const values: Record<string, string> = Object.create(null);
  for (const word of words) {
    const at = word.indexOf("=");
    if (at <= 0) {
      throw fail("usage", `${option} ${word}: a name and a value are needed.`, {
        field: option,
        remedy: `Write ${option} NAME=VALUE, for example ${option} ${option === "--at" ? "drift_velocity=5.45cm/us" : "simulator=mpdroot/unknown"}.`,
      });
    }
    const name = word.slice(0, at);
    if (name in values) {
      throw fail("usage", `${option} ${name} is given twice.`, {
        field: name,
        remedy: "Give each name once.",
      });
    }
    values[name] = word.slice(at + 1);
  }
  return { ...values };
}

export function describeResolution(resolution: Resolution, milliseconds?: number): string {
  const took = milliseconds === undefined ? "" : ` in ${milliseconds.toFixed(milliseconds < 10 ? 2 : 0)} ms`;
  return resolution.found ? describeHit(resolution, took) : describeMiss(resolution, took);
}

function describeHit(hit: Hit, took: string): string {
  const lines = [
    `Found${took}: ${hit.match === "exact" ? "exactly these conditions" : `a compatible model at distance ${hit.distance}`}`,
    `  bundle  ${hit.model.bundle}`,
    `  key     ${hit.question.key}`,
    `  made    ${hit.model.createdAt} from ${hit.model.dataSource === "files" ? "the experiment's files" : "the base simulator"}`,
  ];
  if (hit.match === "compatible") lines.push("", differencesList(hit.differences));
  lines.push("", "Measured domain", domainTable(hit), ...defaultedLine(hit));
  return lines.join("\n");
}

function describeMiss(miss: Miss, took: string): string {
  const lines = [`No model${took}: ${miss.reason}`, `  key     ${miss.question.key}`];
  for (const { model, distance, differences } of miss.nearest) {
    const away = distance === null ? "" : `, distance ${Number(distance.toPrecision(4))}`;
    lines.push("", `Near: ${model.bundle.slice(0, 16)}${away}`);
    lines.push(differencesList(differences.filter(({ asked, has }) => asked !== has)));
  }
  lines.push(...defaultedLine(miss), "");
  if (miss.job) lines.push(`Job ${miss.job} is making it: driftline jobs ${miss.job} --follow`);
  else lines.push(`To make it: driftline ensure ${miss.question.family} with the same options and --wait`);
  if (miss.fallback)
    lines.push(`Until then \`driftline generate\` uses the base simulator, ${miss.fallback}.`);
  return lines.join("\n");
}

function defaultedLine({ question }: Resolution): string[] {
  return question.defaulted.length === 0
    ? []
    : ["", `Not given, so nominal: ${question.defaulted.join(", ")}`];
}

function differencesList(differences: Difference[]): string {
  return differences.map(({ fits, reason }) => `  ${fits ? "fits   " : "differs"}  ${reason}`).join("\n");
}

function domainTable(hit: Hit): string {
  const rows = (ranges: Hit["domain"]["conditions"]) =>
    Object.entries(ranges).map(([name, { low, high, unit, tested }]) => [
      `  ${name}`,
      `${low === high ? low : `${low} to ${high}`} ${unit === "1" ? "" : unit}`,
      tested ? "" : "this value only",
    ]);
  return table(["", "", ""], [...rows(hit.domain.conditions), ...rows(hit.domain.inputs)]);
}
