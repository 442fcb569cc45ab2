// What a command is: its words, options and action as plain data, from which parsing and help are made.

import { parseArgs } from "node:util";
import type { Driftline } from "@driftline/client/api";
import type { Configuration } from "../config/configuration.ts";
import { fail } from "../errors/registry.ts";
import { nearestName } from "../family/nearestName.ts";
import type { Platform } from "../lifecycle/platform.ts";
import type { ProgressDisplay } from "./progress.ts";

export interface OptionDefinition {
  type: "string" | "boolean";
  description: string;
  multiple?: boolean;
  /** What stands for the value in help, for example `NAME=VALUE`. */
  value?: string;
}

export type OptionDefinitions = Record<string, OptionDefinition>;

export type OptionValues<O extends OptionDefinitions> = {
  [K in keyof O]?: O[K]["type"] extends "boolean"
    ? boolean
    : O[K] extends { multiple: true }
      ? string[]
      : string;
};

/** What a command works with. */
export interface CommandContext {
  config: Configuration;
  progress: ProgressDisplay;
  /** The server that --url names, the snapshot that --snapshot names, or the data directory in process. */
  driftline(): Promise<Driftline>;
  /** The data directory in process; a usage error where --url is given. */
  platform(): Promise<Platform>;
  signal: AbortSignal;
}

/** What a command found: printed as text, or as JSON with --json; a text of null where it has written itself. */
export interface Outcome {
  json: unknown;
  text: string | null;
  exit?: number;
}

export interface Command<O extends OptionDefinitions = OptionDefinitions> {
  name: string;
  summary: string;
  /** Words after the command, in order; a trailing ? makes one optional, "..." after the last allows several. */
  positionals: string[];
  options: O;
  examples: string[];
  run(context: CommandContext, words: string[], options: OptionValues<O>): Promise<Outcome>;
}

export function defineCommand<const O extends OptionDefinitions>(command: Command<O>): Command {
  return command as unknown as Command;
}

export const globalOptions = {
  json: { type: "boolean", description: "Print the result as JSON" },
  "data-dir": { type: "string", value: "DIR", description: "Catalogue to use (DRIFTLINE_DATA_DIR)" },
  url: {
    type: "string",
    value: "URL",
    description: "Server to ask in place of a data directory (DRIFTLINE_URL)",
  },
  snapshot: {
    type: "string",
    value: "DIR",
    description: "Snapshot to read in place of a data directory (DRIFTLINE_SNAPSHOT)",
  },
  config: { type: "string", value: "FILE", description: "Configuration file (default ./driftline.yaml)" },
  quiet: { type: "boolean", description: "No progress" },
  help: { type: "boolean", description: "Show this help" },
} satisfies OptionDefinitions;

export interface ParsedCommand {
  words: string[];
  options: Record<string, unknown>;
}

/** Reads the words after the command's name. Throws `usage` naming the option or word. */
export function parseCommand(command: Command, args: string[]): ParsedCommand {
  const definitions: OptionDefinitions = { ...globalOptions, ...command.options };
  const { tokens } = parseArgs({ args, options: {}, strict: false, allowPositionals: true, tokens: true });
  for (const token of tokens) {
    if (token.kind === "option" && !Object.hasOwn(definitions, token.name)) {
      throw fail("usage", `driftline ${command.name}: there is no option ${token.rawName}.`, {
        field: token.rawName,
        remedy: suggestion(`--${nearestName(token.name, Object.keys(definitions))}`, command.name),
      });
    }
  }
  try {
    const { values, positionals } = parseArgs({
      args,
      options: Object.fromEntries(
        Object.entries(definitions).map(([name, { type, multiple }]) => [
          name,
          { type, multiple: multiple ?? false },
        ]),
      ),
      allowPositionals: true,
    });
    if (!values.help) checkWords(command, positionals);
    return { words: positionals, options: values };
  } catch (cause) {
    if (cause instanceof TypeError) {
      throw fail("usage", `driftline ${command.name}: ${cause.message.split(". ")[0]}.`, {
        remedy: `See \`driftline ${command.name} --help\`.`,
      });
    }
    throw cause;
  }
}

function suggestion(nearest: string, command: string): string {
  return nearest.endsWith("null")
    ? `See \`driftline ${command} --help\`.`
    : `Did you mean ${nearest}? See \`driftline ${command} --help\`.`;
}

function checkWords(command: Command, words: string[]): void {
  const required = command.positionals.filter((name) => !name.endsWith("?"));
  if (words.length < required.length) {
    throw fail("usage", `driftline ${command.name}: ${required[words.length]} is missing.`, {
      field: required[words.length].replace("...", ""),
      remedy: `Usage: ${usageLine(command)}`,
    });
  }
  if (words.length > command.positionals.length && !command.positionals.at(-1)?.endsWith("...")) {
    const extra = words[command.positionals.length];
    throw fail("usage", `driftline ${command.name}: ${JSON.stringify(extra)} is one word too many.`, {
      remedy: `Usage: ${usageLine(command)}. Quote values that hold blanks.`,
    });
  }
}

export function usageLine(command: Command): string {
  const words = command.positionals.map((name) => (name.endsWith("?") ? `[${name.slice(0, -1)}]` : name));
  return ["driftline", command.name, ...words, "[options]"].join(" ");
}

export function helpText(command: Command): string {
  const lines = [usageLine(command), "", command.summary, ""];
  const rows = Object.entries({ ...command.options, ...globalOptions }).map(([name, option]) => {
    const value = option.type === "string" ? ` ${("value" in option && option.value) || "VALUE"}` : "";
    return [
      `  --${name}${value}`,
      option.description + ("multiple" in option && option.multiple ? " (repeatable)" : ""),
    ];
  });
  const width = Math.max(...rows.map(([left]) => left.length)) + 2;
  lines.push(...rows.map(([left, right]) => left.padEnd(width) + right));
  if (command.examples.length > 0)
    lines.push("", "Examples:", ...command.examples.map((line) => `  ${line}`));
  return lines.join("\n");
}
