// driftline doctor: what is in force here, what is wrong, and what to do about it.

import { constants } from "node:fs";
import { access, mkdir, statfs } from "node:fs/promises";
import { describeConfig } from "../../config/configuration.ts";
import { DriftlineError, fail } from "../../errors/registry.ts";
import { networkFileSystem } from "../../lifecycle/platform.ts";
import { trainerEnvironment, trainerVersions } from "../../training/environment.ts";
import { type CommandContext, defineCommand } from "../command.ts";
import { table } from "../table.ts";

interface Finding {
  check: string;
  state: "ok" | "wrong";
  found: string;
  remedy: string | null;
}

export const doctor = defineCommand({
  name: "doctor",
  summary: "Check this installation and its data directory; with --verify re-read every stored byte.",
  positionals: [],
  options: { verify: { type: "boolean", description: "Re-read and check everything in the catalogue" } },
  examples: ["driftline doctor --verify"],
  async run(context, _words, options) {
    const findings = [
      await check("node", async () => process.version),
      await check("data directory", () => dataDirectory(context.config.dataDirectory)),
      await check("families", async () => [...(await context.platform()).opened.families.keys()].join(", ")),
      await check("catalogue", async () => `${(await (await context.platform()).models()).length} models`),
      await check("python", () =>
        trainerVersions(trainerEnvironment(context.config.trainerDirectory, context.config.python)),
      ),
      ...(context.config.url === null ? [] : [await check("server", () => server(context))]),
    ];
    if (options.verify) findings.push(...(await verifyAll(context)));
    const settings = describeConfig(context.config);
    const damaged = findings.some(({ check, state }) => check === "stored" && state === "wrong");
    const wrong = findings.some(({ state }) => state === "wrong");
    return {
      json: { findings, settings },
      text: [
        table(
          ["", "", ""],
          findings.map(({ check, state, found, remedy }) => [
            state === "ok" ? "ok" : "WRONG",
            check,
            remedy ? `${found}\n${" ".repeat(8)}${remedy}` : found,
          ]),
        ),
        "",
        table(
          ["setting", "value", "from"],
          settings.map(({ name, value, source }) => [name, value, source]),
        ),
      ].join("\n"),
      exit: damaged ? 5 : wrong ? 1 : 0,
    };
  },
});

async function check(name: string, run: () => Promise<string>): Promise<Finding> {
  try {
    return { check: name, state: "ok", found: await run(), remedy: null };
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    const remedy = error instanceof DriftlineError ? (error.remedy ?? null) : null;
    return { check: name, state: "wrong", found, remedy };
  }
}

async function dataDirectory(path: string): Promise<string> {
  await mkdir(path, { recursive: true });
  await access(path, constants.W_OK);
  const network = await networkFileSystem(path);
  if (network !== null) {
    throw fail("invalid_data_directory", `${path} is on a network file system (${network}).`, {
      remedy: "Name a directory of a local disk with --data-dir: SQLite's locks need one.",
    });
  }
  const { bavail, bsize } = await statfs(path);
  return `${path}, ${((bavail * bsize) / 1e9).toFixed(1)} GB free`;
}

async function server(context: CommandContext): Promise<string> {
  const families = await (await context.driftline()).families();
  return `${context.config.url}, ${families.length} families`;
}

async function verifyAll(context: CommandContext): Promise<Finding[]> {
  const { catalogue } = (await context.platform()).opened;
  const { findings, blobs, bytes } = await catalogue.verifyAll(({ done, total }) =>
    context.progress.update("verify", total === 0 ? null : done / total, null, `${done} of ${total}`),
  );
  context.progress.clear();
  const wrong: Finding[] = findings.map(({ message }) => ({
    check: "stored",
    state: "wrong",
    found: message,
    remedy: null,
  }));
  if (wrong.length > 0) return wrong;
  return [
    {
      check: "stored",
      state: "ok",
      found: `${blobs} blobs, ${(bytes / 1e6).toFixed(1)} MB re-read`,
      remedy: null,
    },
  ];
}
