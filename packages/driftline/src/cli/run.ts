// One run of the command: finds it, reads its words, prints what it found, and gives the exit code.

import { readFileSync } from "node:fs";
import type { Driftline } from "@driftline/client/api";
import { type Configuration, loadConfiguration } from "../config/configuration.ts";
import { exitCode, toProblem } from "../errors/problem.ts";
import { DriftlineError, fail } from "../errors/registry.ts";
import { nearestName } from "../family/nearestName.ts";
import type { Platform } from "../lifecycle/platform.ts";
import { type Command, type CommandContext, helpText, type Outcome, parseCommand } from "./command.ts";
import { commands } from "./commands.ts";
import { progressDisplay, type TextStream } from "./progress.ts";
import { table } from "./table.ts";

/** Where a run prints: results on `stdout`, all else on `stderr`. */
export interface Streams {
  stdout: TextStream;
  stderr: TextStream;
}

/** Runs `driftline ...args` in this process and returns its exit code; throws nothing. */
export async function run(args: string[], streams: Streams): Promise<number> {
  const [name, ...rest] = twoWords(args);
  const print = (text: string) => streams.stdout.write(`${text}\n`);
  let json = args.slice(1).includes("--json");
  try {
    if (name === undefined || name === "--help" || name === "help") {
      const both = rest.slice(0, 2).join(" ");
      print(await overview(Object.hasOwn(commands, both) ? both : rest[0]));
      return 0;
    }
    if (name === "--version") {
      print(version());
      return 0;
    }
    const command = await findCommand(name);
    const { words, options } = parseCommand(command, rest);
    json = options.json === true;
    if (options.help) {
      print(helpText(command));
      return 0;
    }
    const outcome = await runCommand(command, words, options, streams);
    if (outcome.text !== null) print(json ? JSON.stringify(outcome.json, null, 2) : outcome.text);
    return outcome.exit ?? 0;
  } catch (error) {
    return report(error, json, streams);
  }
}

async function runCommand(
  command: Command,
  words: string[],
  options: Record<string, unknown>,
  streams: Streams,
): Promise<Outcome> {
  const text = (option: string) => (typeof options[option] === "string" ? options[option] : undefined);
  const config = loadConfiguration({
    file: text("config"),
    flags: { dataDirectory: text("data-dir"), url: text("url"), snapshot: text("snapshot") },
  });
  const stop = new AbortController();
  const interrupt = () => {
    // A second one means: now.
    if (stop.signal.aborted) process.exit(130);
    stop.abort(fail("cancelled", `driftline ${command.name} was interrupted.`));
  };
  for (const signal of signals) process.on(signal, interrupt);
  const session = openOnDemand(config);
  const context: CommandContext = {
    config,
    progress: progressDisplay(streams.stderr, options.quiet === true),
    driftline: session.driftline,
    platform: session.platform,
    signal: stop.signal,
  };
  try {
    return await command.run(context, words, options as never);
  } finally {
    context.progress.clear();
    await session.close();
    for (const signal of signals) process.off(signal, interrupt);
  }
}

const signals = ["SIGINT", "SIGTERM"] as const;

/** The server or the data directory, opened when first asked for and closed with the command. */
function openOnDemand(config: Configuration) {
  let platform: Promise<Platform> | null = null;
  let snapshot: Promise<Driftline> | null = null;
  // Loaded when needed: words that are wrong, and help, are answered quickly.
  const openOnce = () => {
    platform ??= import("../lifecycle/platform.ts").then(({ openPlatform }) => openPlatform(config));
    return platform;
  };
  return {
    platform: openOnce,
    driftline: async () => {
      if (config.snapshot !== null) {
        snapshot ??= import("@driftline/client/snapshot/connectSnapshot").then(({ connectSnapshot }) =>
          connectSnapshot(config.snapshot!),
        );
        return snapshot;
      }
      if (config.url === null) return openOnce();
      const { connect } = await import("@driftline/client/connect");
      return connect(config.url, { token: config.token ?? undefined });
    },
    close: async () => {
      if (platform) await (await platform.catch(() => null))?.close();
    },
  };
}

/** `data head FILE` is the command `data head`; `data` alone or with --help lists what begins with it. */
function twoWords(args: string[]): string[] {
  const [first, second, ...rest] = args;
  if (first === undefined || !isGroup(first)) return args;
  if (second === undefined || second === "--help") return ["help", first];
  if (second.startsWith("-")) return args;
  return [`${first} ${second}`, ...rest];
}

function isGroup(name: string): boolean {
  return Object.keys(commands).some((key) => key.startsWith(`${name} `));
}

async function findCommand(name: string): Promise<Command> {
  if (Object.hasOwn(commands, name)) return commands[name as keyof typeof commands]();
  if (isGroup(name))
    throw fail("usage", `driftline ${name}: which of its commands is not said.`, {
      remedy: `\`driftline ${name}\` lists them.`,
    });
  const nearest = nearestName(name, Object.keys(commands));
  throw fail("usage", `driftline: there is no command ${JSON.stringify(name)}.`, {
    remedy: `${nearest ? `Did you mean ${nearest}? ` : ""}\`driftline --help\` lists the commands.`,
  });
}

async function overview(name: string | undefined): Promise<string> {
  const group = name !== undefined && isGroup(name) ? `${name} ` : "";
  if (name !== undefined && !name.startsWith("--") && !group) return helpText(await findCommand(name));
  const listed = Object.entries(commands).filter(([key]) => key.startsWith(group));
  const all = await Promise.all(listed.map(([, load]) => load()));
  return [
    `driftline ${group}COMMAND [options]`,
    "",
    group
      ? "Reads the experiment's own files."
      : "Finds the machine-learning model that fits an experiment's conditions, or makes it.",
    "",
    table(
      ["", ""],
      all.map((command) => [`  ${command.name}`, command.summary]),
    ),
    "",
    "`driftline COMMAND --help` shows a command's options. Exit codes: 0 done, 2 wrong input, 3 refused by",
    "validation, 4 no model, 5 damaged, 1 anything else.",
  ].join("\n");
}

function version(): string {
  const { version: number } = JSON.parse(
    readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
  ) as { version: string };
  return `driftline ${number}`;
}

function report(error: unknown, json: boolean, { stdout, stderr }: Streams): number {
  const problem = toProblem(error);
  if (json) stdout.write(`${JSON.stringify(problem, null, 2)}\n`);
  else {
    stderr.write(`${problem.detail}\n`);
    if (problem.field !== undefined) stderr.write(`  at: ${problem.field}\n`);
    if (problem.remedy !== undefined) stderr.write(`  remedy: ${problem.remedy}\n`);
    if (!(error instanceof DriftlineError) && process.env.DRIFTLINE_DEBUG && error instanceof Error) {
      stderr.write(`${error.stack}\n`);
    }
  }
  return exitCode(problem.code);
}
