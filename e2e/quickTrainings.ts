// JAX keeps the programs that it compiled: trainings of one family differ in data and seeds alone, and compile once.

import { homedir } from "node:os";
import { join } from "node:path";

/** Environment for servers and commands that train. In the user's own folder, which no other user can write to. */
export const quickTrainings: Record<string, string> = {
  JAX_COMPILATION_CACHE_DIR: join(
    process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"),
    "driftline",
    "test-trainings",
  ),
  JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS: "0",
  JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES: "-1",
};
