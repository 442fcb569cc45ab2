// The C compiler of this machine: CC, or the first of cc, gcc and clang that is there.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { fail } from "../../errors/registry.ts";

const execute = promisify(execFile);

export interface CCompiler {
  /** The words by which it is called. */
  command: string[];
  /** Its first line on --version. */
  version: string;
}

/**
 * No -march: a processor with AVX2 and FMA is recognised when the code runs. Contraction of a·b + c is off in the code
 * itself for gcc and clang, and here for others that know the flag.
 */
export const compileFlags = ["-std=c99", "-O3", "-ffp-contract=off"];

/** Null where there is none. Throws `compiler_failed` where CC names one that cannot be run. */
export async function findCompiler(env: NodeJS.ProcessEnv = process.env): Promise<CCompiler | null> {
  const named = words(env.CC ?? "");
  const candidates = named.length > 0 ? [named] : [["cc"], ["gcc"], ["clang"]];
  for (const command of candidates) {
    try {
      const { stdout } = await execute(command[0], [...command.slice(1), "--version"]);
      return { command, version: stdout.split("\n")[0] };
    } catch (cause) {
      if (named.length > 0) {
        throw fail("compiler_failed", `running ${command.join(" ")}: ${(cause as Error).message}`, {
          field: "CC",
          remedy: "Let CC name a C compiler, or leave it unset.",
          cause,
        });
      }
    }
  }
  return null;
}

/** Runs the compiler. Throws `compiler_failed` with what it said. */
export async function compile(
  compiler: CCompiler,
  args: string[],
  options: { directory: string; signal?: AbortSignal },
): Promise<void> {
  const [program, ...first] = compiler.command;
  try {
    await execute(program, [...first, ...args], { cwd: options.directory, signal: options.signal });
  } catch (cause) {
    options.signal?.throwIfAborted();
    const said = String((cause as { stderr?: string }).stderr ?? "").trim();
    throw fail(
      "compiler_failed",
      `compiling: ${program} ${args.join(" ")}: ${said.slice(0, 2000) || (cause as Error).message}`,
      {
        remedy:
          "Check --cflags. If the compiler refuses the generated code itself, please report it with its version.",
        cause,
      },
    );
  }
}

export function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}
