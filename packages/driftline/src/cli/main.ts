// The command `driftline`: one run on this process's words and streams.

import { run } from "./run.ts";

// A reader that has enough closes the pipe (`driftline models | head`), and so can the reader of a server's log.
process.stderr.on("error", () => {});
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") return;
  process.stderr.write(`The result could not be written: ${error.message}.\n`);
  process.once("exit", () => {
    process.exitCode = 1;
  });
});

process.exitCode = await run(process.argv.slice(2), process);
