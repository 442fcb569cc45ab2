// driftline verify: every digest of a bundle, and its reference replayed; or every blob of a snapshot.

import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve as resolvePath } from "node:path";
import { pull } from "@driftline/client/pull";
import { pointerFile } from "@driftline/client/snapshot/format";
import { verifySnapshot } from "@driftline/client/snapshot/verifySnapshot";
import { verifyBundle } from "@driftline/client/verify";
import { exitCode } from "../../errors/problem.ts";
import { fail } from "../../errors/registry.ts";
import { type CommandContext, defineCommand, type Outcome } from "../command.ts";
import { counted } from "../counted.ts";

export const verify = defineCommand({
  name: "verify",
  summary:
    "Check a bundle: all digests, and that the model gives its reference outputs; or a whole snapshot (exit code 5).",
  positionals: ["DIRECTORY_OR_BUNDLE"],
  options: {},
  examples: ["driftline verify nominal-model", "driftline verify /cvmfs/experiment.org/models"],
  async run(context, [name]) {
    if (existsSync(join(name, pointerFile))) return snapshotOutcome(context, resolvePath(name));
    if (existsSync(name)) return outcome(await verifyBundle(resolvePath(name)));
    if (!/^[0-9a-f]{8,64}$/.test(name)) {
      throw fail("usage", `driftline verify: ${name} is neither a directory nor a bundle's digest.`, {
        field: "DIRECTORY_OR_BUNDLE",
        remedy: "Give the directory of a pulled bundle, or at least 8 digits of its digest.",
      });
    }
    const driftline = await context.driftline();
    const { bundle } = await driftline.model(name);
    const parent = await mkdtemp(join(tmpdir(), "driftline-verify-"));
    try {
      await pull(driftline, bundle, join(parent, "bundle"));
      return outcome(await verifyBundle(join(parent, "bundle")));
    } finally {
      await rm(parent, { recursive: true, force: true });
    }
  },
});

function outcome({ digest, manifest }: Awaited<ReturnType<typeof verifyBundle>>) {
  return {
    json: { bundle: digest, files: manifest.files.length, passed: true },
    text: `Verified ${digest}: ${manifest.files.length} files match their digests, the reference is reproduced.`,
  };
}

async function snapshotOutcome(context: CommandContext, directory: string): Promise<Outcome> {
  const report = await verifySnapshot(directory, (done, total) =>
    context.progress.update("verify", done / total, null, `${done} of ${total} models`),
  );
  context.progress.clear();
  const { digest, createdAt, models, blobs, bytes, findings } = report;
  const size = `${(bytes / 1e6).toFixed(1)} MB`;
  const passed = findings.length === 0;
  const lines = passed
    ? [
        `Verified snapshot ${digest} of ${createdAt}: ${counted(models, "model")}, ${counted(blobs, "blob")}, ${size}.`,
      ]
    : [
        `Snapshot ${digest} of ${createdAt} is damaged: ${counted(findings.length, "finding")}.`,
        ...findings.map((line) => `  ${line}`),
        "`driftline snapshot --mend` writes it again, where the catalogue is.",
      ];
  return { json: { ...report, passed }, text: lines.join("\n"), exit: passed ? 0 : exitCode("damaged") };
}
