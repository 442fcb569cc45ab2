// The command `driftline`: one run on this process's words and streams.

import { run } from "./run.ts";

process.exitCode = await run(process.argv.slice(2), process);
