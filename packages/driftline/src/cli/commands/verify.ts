// driftline verify: every digest of a bundle, and its reference replayed.

import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve as resolvePath } from "node:path";
import { pull } from "@driftline/client/pull";
import { verifyBundle } from "@driftline/client/verify";
import { fail } from "../../errors/registry.ts";
import { defineCommand } from "../command.ts";

export const verify = defineCommand({
  name: "verify",
  summary:
    "Check a bundle: all digests, and that the model gives its reference outputs (exit code 5 if not).",
  positionals: ["DIRECTORY_OR_BUNDLE"],
  options: {},
  examples: ["driftline verify nominal-model"],
  async run(context, [name]) {
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
