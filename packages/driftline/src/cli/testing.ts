// What tests of the command share: a run in this process, and what it printed.

import { run } from "./run.ts";

export interface Captured {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs `driftline ...args` in this process. */
export async function captured(args: string[]): Promise<Captured> {
  const texts = { stdout: "", stderr: "" };
  const stream = (name: keyof typeof texts) => ({
    write(text: string) {
      texts[name] += text;
    },
  });
  const code = await run(args, { stdout: stream("stdout"), stderr: stream("stderr") });
  return { code, ...texts };
}
