// Command lines from the commands' own definitions: right ones with what they must end with, and those a little beside them.

import fc from "fast-check";
import {
  type Command,
  globalOptions,
  type OptionDefinition,
} from "../../packages/driftline/src/cli/command.ts";
import { commands } from "../../packages/driftline/src/cli/commands.ts";
import { type RightAnswer, rightAnswer } from "./catalogue.ts";
import { type CommandSubject, textOf, valueFor, word } from "./commandValues.ts";
import { questions } from "./questions.ts";
import { prototypeNames } from "./values.ts";

export interface CommandLine {
  args: string[];
  /** What a right one must say: exit code, and the answer to its question. */
  expected: { exit: number; key?: string; answer?: RightAnswer } | null;
}

/** They go on until they are stopped, or write bytes; only command lines that they refuse are generated. */
const endless = ["serve", "demo", "data stream"];
/** Options with which a command goes on until a job has ended. */
const waiting = ["wait", "follow", "make"];

export async function loadCommands(): Promise<Command[]> {
  return Promise.all(Object.values(commands).map((load) => load()));
}

export function commandLines(all: Command[], subject: CommandSubject): fc.Arbitrary<CommandLine> {
  const allowed = fc.oneof(
    ...all.filter(({ name }) => !endless.includes(name)).map((command) => allowedLines(command, subject)),
  );
  const any: fc.Arbitrary<CommandLine> = fc.oneof(
    { weight: 3, arbitrary: rightLines(subject) },
    { weight: 4, arbitrary: allowed.map((args) => ({ args, expected: null })) },
    { weight: 3, arbitrary: allowed.chain(beside).map((args) => ({ args, expected: null })) },
    { weight: 1, arbitrary: refusedLines(all).map((args) => ({ args, expected: { exit: 2 } })) },
  );
  return any
    .filter(({ args }) => ends(args) && !retires(args))
    .map((line) => ({ ...line, [fc.toStringMethod]: () => shownLine(line) }));
}

/** Whether it ends by itself: changes can make one that waits out of one that doesn't. */
function ends(args: string[]): boolean {
  return (
    !waiting.some((option) => args.includes(`--${option}`)) &&
    (!endless.some((name) => args.join(" ").startsWith(name)) || args.includes("--no-such-option"))
  );
}

/** Whether it could take a model out of service, which the right answers of other lines rest on. */
function retires(args: string[]): boolean {
  return args.includes("retire") && args.some((arg) => arg.startsWith("--reason"));
}

export function shownLine({ args }: CommandLine): string {
  return args
    .map((arg) => JSON.stringify(arg.length > 200 ? `${arg.slice(0, 200)}… ${arg.length} characters` : arg))
    .join(" ");
}

/** The command with values for its words and some of its options. */
function allowedLines(command: Command, subject: CommandSubject): fc.Arbitrary<string[]> {
  const words = command.positionals.map((name) => {
    const value = valueFor(name.replace(/\?|\.\.\./, ""), subject);
    return name.endsWith("?") ? fc.option(value) : value;
  });
  const definitions: [string, OptionDefinition][] = Object.entries({ ...command.options, ...globalOptions });
  const options = definitions
    .filter(([name]) => !waiting.includes(name) && name !== "help")
    .map(([name, option]) => {
      const one =
        option.type === "boolean" ? fc.constant<string[]>([`--${name}`]) : optionWords(name, option, subject);
      const often = name === "json" || name === "out" ? 5 : name in globalOptions ? 1 : 3;
      const some = option.multiple
        ? fc.array(one, { minLength: 1, maxLength: 3 }).map((each) => each.flat())
        : one;
      return fc.oneof(
        { weight: often, arbitrary: some },
        { weight: 10 - often, arbitrary: fc.constant<string[]>([]) },
      );
    });
  return fc
    .tuple(fc.tuple(...words), fc.tuple(...options))
    .map(([given, chosen]) => [
      ...command.name.split(" "),
      ...given.filter((each) => each !== null),
      ...chosen.flat(),
    ]);
}

function optionWords(
  name: string,
  { value = "" }: OptionDefinition,
  subject: CommandSubject,
): fc.Arbitrary<string[]> {
  return fc
    .tuple(
      fc.oneof({ weight: 6, arbitrary: valueFor(name, subject, value) }, { weight: 1, arbitrary: word }),
      fc.boolean(),
    )
    .map(([text, joined]) => (joined || text.startsWith("-") ? [`--${name}=${text}`] : [`--${name}`, text]));
}

/** The line with one word changed, added or left out. */
function beside(args: string[]): fc.Arbitrary<string[]> {
  const at = fc.nat(args.length - 1);
  const option = fc.oneof(
    fc.constantFrom(
      "--no-such-option",
      "--jsn",
      "-j",
      "-",
      "--",
      "--=",
      "--at",
      "--no-json",
      "--json=1",
      "--help",
      "--quiet=no",
      ...prototypeNames.map((name) => `--${name}`),
    ),
    word,
  );
  return fc.oneof(
    fc.tuple(at, option).map(([i, put]) => args.toSpliced(i + 1, 0, put)),
    fc.tuple(at, word).map(([i, put]) => args.with(i, put)),
    at.map((i) => args.toSpliced(i, 1)),
    at.map((i) => [...args, args[i]]),
    fc.constantFrom(...prototypeNames, "resolv", "").map((name) => args.with(0, name)),
  );
}

/** Lines that every command refuses, those that never end among them. */
function refusedLines(all: Command[]): fc.Arbitrary<string[]> {
  return fc
    .tuple(
      fc.constantFrom(...all),
      fc.array(
        word.filter((text) => !text.startsWith("-")),
        { maxLength: 2 },
      ),
      fc.boolean(),
    )
    .map(([{ name }, words, json]) => [
      ...name.split(" "),
      ...words,
      "--no-such-option",
      ...(json ? ["--json"] : []),
    ]);
}

/** Asked of the data directory, of its server and of its snapshot. */
function rightLines({ catalogue, server, snapshot, lock }: CommandSubject): fc.Arbitrary<CommandLine> {
  const { bundles } = catalogue;
  const asked = fc
    .tuple(questions(catalogue.families), fc.constantFrom([], ["--json"]))
    .map(([{ asked: question, meant }, flags]): CommandLine => {
      const answer = rightAnswer(catalogue, question, meant);
      const at = Object.entries(question.conditions).flatMap(([name, value]) => [
        "--at",
        `${name}=${textOf(value)}`,
      ]);
      const software = Object.entries(question.software).flatMap(([name, value]) => [
        "--software",
        `${name}=${value}`,
      ]);
      return {
        args: ["resolve", question.family, ...at, ...software, "--accept", question.accept, ...flags],
        expected: { exit: answer.found ? 0 : 4, key: meant.key, answer },
      };
    });
  const whole = bundles.find(({ family }) => family === "test.tiny")!.digest;
  const others = fc.constantFrom<CommandLine>(
    ...bundles.map(
      ({ digest }): CommandLine => ({
        args: ["verify", digest],
        expected: { exit: digest === whole ? 0 : 5 },
      }),
    ),
    ...bundles.map(
      ({ digest }): CommandLine => ({ args: ["models", digest.slice(0, 20)], expected: { exit: 0 } }),
    ),
    { args: ["pull", "test.tiny", "--out", "tiny-bundle"], expected: { exit: 0 } },
    { args: ["verify", whole.slice(0, 8)], expected: { exit: 0 } },
    { args: ["generate", "test.tiny", "--rows", "7", "--out", "tiny-sample"], expected: { exit: 0 } },
    {
      args: ["generate", "test.tpc", "--at", "noise=3", "--rows", "3", "--out", "simulated"],
      expected: { exit: 0 },
    },
    {
      args: ["generate", "test.tpc", "--at", "noise=3", "--no-fallback", "--out", "none"],
      expected: { exit: 4 },
    },
    {
      args: ["generate", "test.tiny", "--lock", lock, "--run", "5", "--rows", "3", "--out", "locked-sample"],
      expected: { exit: 0 },
    },
    {
      args: ["generate", "test.tiny", "--lock", lock, "--run", "500", "--out", "none"],
      expected: { exit: 4 },
    },
    { args: ["data", "inspect", "runs.csv"], expected: { exit: 0 } },
    { args: ["data", "head", "runs.csv", "--entries", "1"], expected: { exit: 0 } },
    { args: ["families"], expected: { exit: 0 } },
    { args: ["families", "test.tiny"], expected: { exit: 0 } },
    { args: ["models"], expected: { exit: 0 } },
    { args: ["jobs"], expected: { exit: 0 } },
    { args: ["models", "0123456789"], expected: { exit: 2 } },
    { args: ["--version"], expected: { exit: 0 } },
    { args: ["help", "resolve"], expected: { exit: 0 } },
    { args: ["ensure", "--help"], expected: { exit: 0 } },
  );
  return fc
    .tuple(
      fc.oneof({ weight: 3, arbitrary: asked }, { weight: 1, arbitrary: others }),
      fc.constantFrom([], ["--url", server], ["--snapshot", snapshot]),
    )
    .map(([{ args, expected }, place]) => ({ args: [...args, ...place], expected }));
}
