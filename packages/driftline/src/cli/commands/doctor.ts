// driftline doctor: what is in force here, what is wrong, what to do about it; and, if asked, doing it.

import { repairCatalogue } from "../../catalogue/care/repair.ts";
import type { VerifyReport } from "../../catalogue/care/verify.ts";
import { describeConfig } from "../../config/configuration.ts";
import { DriftlineError } from "../../errors/registry.ts";
import { jobMigrations } from "../../lifecycle/jobs/tables.ts";
import { checks } from "../checks.ts";
import { type CommandContext, defineCommand } from "../command.ts";
import { counted } from "../counted.ts";
import { table } from "../table.ts";

interface Finding {
  check: string;
  /** `lost`: known to be gone since a repair, and nothing more to be done here. */
  state: "ok" | "done" | "lost" | "wrong" | "damaged";
  found: string;
  remedy: string | null;
}

export const doctor = defineCommand({
  name: "doctor",
  summary:
    "Check this installation and its data directory; --verify re-reads every stored byte, --repair mends.",
  positionals: [],
  options: {
    verify: { type: "boolean", description: "Re-read and check everything in the catalogue" },
    repair: {
      type: "boolean",
      description: "Set damaged content aside, make lost records again, and say what was done",
    },
  },
  examples: ["driftline doctor --verify", "driftline doctor --repair"],
  async run(context, _words, options) {
    // First, and by itself: the other checks open what it mends.
    const findings = options.repair ? await repair(context) : [];
    for (const [name, run] of Object.entries(checks)) findings.push(await check(name, () => run(context)));
    if (context.config.url !== null) findings.push(await check("server", () => server(context)));
    if (options.verify && !options.repair) findings.push(...(await verify(context)));
    const settings = describeConfig(context.config);
    const states = new Set(findings.map(({ state }) => state));
    return {
      json: { findings, settings },
      text: [
        table(
          ["", "", ""],
          findings.map(({ check, state, found, remedy }) => [
            state === "ok" ? state : state.toUpperCase(),
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
      exit: states.has("damaged") ? 5 : states.has("wrong") ? 1 : 0,
    };
  },
});

async function check(name: string, run: () => Promise<string>): Promise<Finding> {
  try {
    return { check: name, state: "ok", found: await run(), remedy: null };
  } catch (error) {
    const known = error instanceof DriftlineError ? error : null;
    const state = known?.code === "damaged" ? "damaged" : "wrong";
    const found = error instanceof Error ? error.message : String(error);
    return { check: name, state, found, remedy: known?.remedy ?? null };
  }
}

async function server(context: CommandContext): Promise<string> {
  const families = await (await context.driftline()).families();
  return `${context.config.url}, ${families.length === 1 ? "1 family" : `${families.length} families`}`;
}

async function verify(context: CommandContext): Promise<Finding[]> {
  try {
    const { catalogue } = (await context.platform()).opened;
    return reportOf(await catalogue.verifyAll(progressOf(context)));
  } catch {
    // It can't be opened; the check of the catalogue has said why.
    return [];
  } finally {
    context.progress.clear();
  }
}

async function repair(context: CommandContext): Promise<Finding[]> {
  const { actions, after } = await repairCatalogue(
    context.config.dataDirectory,
    jobMigrations,
    progressOf(context),
  );
  context.progress.clear();
  const done = actions.map((found): Finding => ({ check: "repair", state: "done", found, remedy: null }));
  return [...done, ...reportOf(after)];
}

function progressOf(context: CommandContext) {
  return ({ done, total }: { done: number; total: number }) =>
    context.progress.update("verify", total === 0 ? null : done / total, null, `${done} of ${total}`);
}

function reportOf({ findings, lost, blobs, bytes }: VerifyReport): Finding[] {
  const remedy =
    "`driftline doctor --repair` sets it aside or makes it again, and says which models are concerned.";
  const report: Finding[] = findings.map(({ message }) => ({
    check: "stored",
    state: "damaged",
    found: message,
    remedy,
  }));
  for (const { digest, bundles } of lost) {
    const found = `Blob ${digest} of ${bundles.join(", ")}, set aside earlier.`;
    report.push({
      check: "stored",
      state: "lost",
      found,
      remedy: "Push or make one of these bundles again.",
    });
  }
  if (findings.length > 0) return report;
  const found = `${counted(blobs, "blob")}, ${(bytes / 1e6).toFixed(1)} MB re-read`;
  return [...report, { check: "stored", state: "ok", found, remedy: null }];
}
