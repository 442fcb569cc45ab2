// A bundle's compiled export in a directory: written, compiled, replayed, and only then there.

import { randomUUID } from "node:crypto";
import { copyFile, mkdir, mkdtemp, open, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { verifyFiles } from "@driftline/client/verify";
import { fail } from "../../errors/registry.ts";
import { findCompiler } from "./cCompiler.ts";
import { compileToC } from "./compileToC.ts";
import { buildAndReplay } from "./replay.ts";

export type ExportTarget = "c" | "so";

export interface ExportRequest {
  /** Directory of the bundle; its files are verified. */
  bundle: string;
  target: ExportTarget;
  /** Directory to write to, made if need be. */
  out: string;
  /** Prefix of the C names; by default the family's name with _ for what C does not allow. */
  name?: string;
  /** Further flags for the compiler. */
  flags?: string[];
  signal?: AbortSignal;
}

export interface Exported {
  bundle: string;
  family: string;
  name: string;
  files: string[];
  compiler: string;
  stackBytes: number;
}

/**
 * Writes NAME.h and NAME.c, or NAME.h and libNAME.so.
 * Errors: those of verification, `unsupported_operator`, `compiler_failed` (also where there is no compiler: an export
 * that nobody has run is not handed out), `export_failed` where it does not give the bundle's reference.
 */
export async function exportBundle(request: ExportRequest): Promise<Exported> {
  const { target, out, flags = [], signal } = request;
  const { digest, manifest, modelBytes } = await verifyFiles(request.bundle);
  const name = request.name ?? identifier(manifest.family);
  const compiled = compileToC(modelBytes, manifest, digest, name);
  const compiler = await findCompiler();
  if (compiler === null) {
    throw fail("compiler_failed", `exporting bundle ${digest}: there is no C compiler to replay it with`, {
      field: "CC",
      remedy:
        "Install gcc or clang, or let CC name a compiler; the C file that comes out compiles anywhere, so another machine will do.",
    });
  }
  const scratch = await mkdtemp(join(tmpdir(), "driftline-export-"));
  try {
    const library = await buildAndReplay({
      bundle: request.bundle,
      manifest,
      compiled,
      compiler,
      flags,
      scratch,
      signal,
    });
    await mkdir(out, { recursive: true });
    const files = [await place(`${name}.h`, (path) => writeFile(path, compiled.header))];
    files.push(
      target === "c"
        ? await place(`${name}.c`, (path) => writeFile(path, compiled.source))
        : await place(`lib${name}.so`, (path) => copyFile(library, path)),
    );
    return {
      bundle: digest,
      family: manifest.family,
      name,
      files,
      compiler: compiler.version,
      stackBytes: compiled.stackBytes,
    };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }

  /** Writes beside the place and renames: a reader sees the old file or the new one, and never a part. */
  async function place(file: string, write: (path: string) => Promise<void>): Promise<string> {
    const path = join(out, file);
    const temporary = join(out, `.${file}.${randomUUID()}`);
    try {
      await write(temporary);
      const handle = await open(temporary, "r");
      await handle.sync().finally(() => handle.close());
      await rename(temporary, path);
    } finally {
      await rm(temporary, { force: true });
    }
    return path;
  }
}

/** A C identifier from a family's name: mpd.tpc → mpd_tpc. */
function identifier(family: string): string {
  const plain = family.replaceAll(/[^A-Za-z0-9_]/g, "_");
  return /^[A-Za-z]/.test(plain) ? plain : `model_${plain}`;
}
