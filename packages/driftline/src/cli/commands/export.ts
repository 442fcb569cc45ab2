// driftline export: a bundle's model as C code or as a shared library, replayed before it is handed out.

import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve as resolvePath } from "node:path";
import { pull } from "@driftline/client/pull";
import { fail } from "../../errors/registry.ts";
import { words } from "../../inference/compile/cCompiler.ts";
import { exportBundle } from "../../inference/compile/exportBundle.ts";
import { type CommandContext, defineCommand, type OptionValues } from "../command.ts";
import { findBundle } from "../findBundle.ts";
import { questionOptions } from "../question.ts";
import { writeOut } from "../writeOut.ts";

const options = {
  ...questionOptions,
  target: {
    type: "string",
    value: "c|so",
    description: "c: one C99 file and its header; so: a shared library and the header",
  },
  out: { type: "string", value: "DIR", description: "Directory to write to" },
  name: {
    type: "string",
    value: "NAME",
    description: "Prefix of the C functions and files (default: the family, as mpd_tpc)",
  },
  cflags: {
    type: "string",
    value: "FLAGS",
    description: "Further flags for the compiler, such as -march=native (--cflags=-march=native)",
  },
} as const;

export const exportCommand = defineCommand({
  name: "export",
  summary: "Write a model as C code that needs no runtime; it has given the bundle's reference outputs.",
  positionals: ["DIRECTORY_OR_FAMILY_OR_BUNDLE"],
  options,
  examples: [
    "driftline export mpd.tpc --target c --out generated",
    "driftline export nominal-model --target so --out lib --name tpc_response",
  ],
  async run(context, [bundle], given) {
    const { target, out, name } = given;
    if (target !== "c" && target !== "so") {
      throw fail("usage", `driftline export: --target ${target ?? "is not given"}.`, {
        field: "--target",
        remedy: "Add --target c for C code, or --target so for a shared library.",
      });
    }
    if (out === undefined) {
      throw fail("usage", "driftline export: where to write is not given.", {
        field: "--out",
        remedy: "Add --out and a directory.",
      });
    }
    if (name !== undefined && !/^[A-Za-z][A-Za-z0-9_]{0,62}$/.test(name)) {
      throw fail("usage", `--name ${name}: C functions cannot begin so.`, {
        field: "--name",
        remedy: "Use a letter, then letters, digits and _, at most 63 in all.",
      });
    }
    const exported = await withBundle(context, bundle, given, (directory) =>
      writeOut("--out", resolvePath(out), () =>
        exportBundle({
          bundle: directory,
          target,
          out: resolvePath(out),
          name,
          flags: words(given.cflags ?? ""),
          signal: context.signal,
        }),
      ),
    );
    return {
      json: exported,
      text: [
        `Exported ${exported.bundle.slice(0, 16)} (${exported.family}); it gives its reference outputs, compiled by ${exported.compiler}.`,
        ...exported.files.map((file) => `  ${file}`),
      ].join("\n"),
    };
  },
});

/** The directory that is named, or the bundle pulled for as long as it is needed. */
async function withBundle<T>(
  context: CommandContext,
  bundle: string,
  given: OptionValues<typeof options>,
  use: (directory: string) => Promise<T>,
): Promise<T> {
  if (existsSync(bundle)) return use(resolvePath(bundle));
  const driftline = await context.driftline();
  const digest = bundle.startsWith("k1-")
    ? (await driftline.model(bundle)).bundle
    : (await findBundle(driftline, bundle, given)).model.bundle;
  const parent = await mkdtemp(join(tmpdir(), "driftline-export-"));
  try {
    await pull(driftline, digest, join(parent, "bundle"));
    return await use(join(parent, "bundle"));
  } finally {
    await rm(parent, { recursive: true, force: true });
  }
}
