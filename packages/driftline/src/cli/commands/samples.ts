// driftline samples: which files were generated with which bundles, so that they are found again.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { resolve as resolvePath } from "node:path";
import type { GivenSample, SampleRecord } from "@driftline/client/campaigns";
import { readSafetensors } from "@driftline/client/safetensors";
import { fail } from "../../errors/registry.ts";
import { defineCommand, type Outcome } from "../command.ts";
import { table } from "../table.ts";

export const samples = defineCommand({
  name: "samples",
  summary: "List registered samples, or register files that `driftline generate` wrote (register FILE).",
  positionals: ["ACTION?", "FILE?"],
  options: { tag: { type: "string", value: "TAG", description: "Only samples of this tag" } },
  examples: ["driftline samples register responses.safetensors", "driftline samples --tag mc2026"],
  async run(context, [action, file], options) {
    if (action !== undefined && (action !== "register" || file === undefined)) {
      const what = action === "register" ? "FILE is missing" : `there is no action ${JSON.stringify(action)}`;
      throw fail("usage", `driftline samples: ${what}.`, {
        field: action === "register" ? "FILE" : "ACTION",
        remedy: "Use `driftline samples register FILE`.",
      });
    }
    const { campaigns } = await context.driftline();
    if (action === undefined) return samplesTable(await Array.fromAsync(campaigns.samples(options.tag)));
    const sample = await sampleOf(resolvePath(file));
    const added = await campaigns.registerSample(sample);
    return {
      json: { ...sample, registered: added },
      text: `${added ? "Registered" : "Was registered already:"} ${sample.file}, made with bundle ${sample.bundle.slice(0, 16)}`,
    };
  },
});

export function samplesTable(found: SampleRecord[]): Outcome {
  if (found.length === 0) return { json: found, text: "No samples are registered." };
  return {
    json: found,
    text: table(
      ["file", "bundle", "lock", "tag", "seed", "events"],
      found.map(({ file, bundle, lock, tag, provenance }) => [
        file,
        bundle.slice(0, 16),
        lock?.slice(0, 16) ?? "",
        tag ?? "",
        provenance.seed ?? "",
        provenance.events ?? "",
      ]),
    ),
  };
}

/** What a file says of itself. Throws `invalid_data` where it has no provenance of a model. */
async function sampleOf(path: string): Promise<GivenSample> {
  // Its header alone is wanted, but a file that is cut must not be registered.
  const { metadata = {} } = await readSafetensors(path);
  const { bundle, lock, tag, source } = metadata;
  if (source !== "model" || !/^[0-9a-f]{64}$/.test(bundle ?? "")) {
    const what =
      source === "simulator" ? "it was made by the base simulator, not by a model" : "it has no provenance";
    throw fail("invalid_data", `Registering ${path}: ${what}.`, {
      field: "FILE",
      remedy: "Name a file that `driftline generate` wrote with a model.",
    });
  }
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path)) hash.update(piece as Uint8Array);
  return {
    file: path,
    sha256: hash.digest("hex"),
    size: (await stat(path)).size,
    bundle,
    lock: lock ?? null,
    tag: tag ?? null,
    provenance: metadata,
  };
}
