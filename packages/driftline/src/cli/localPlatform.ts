// The data directory, for commands that no server or snapshot can do: asked of one, they must not turn to another catalogue.

import { fail } from "../errors/registry.ts";
import type { Platform } from "../lifecycle/platform.ts";
import type { CommandContext } from "./command.ts";

/** Throws `usage` where a server or a snapshot is in force. */
export async function localPlatform(context: CommandContext, command: string): Promise<Platform> {
  const { url, snapshot, sources } = context.config;
  if (url === null && snapshot === null) return context.platform();
  const [name, place] = url === null ? (["snapshot", snapshot] as const) : (["url", url] as const);
  throw fail("usage", `driftline ${command} works on a data directory, not on ${place} (${sources[name]}).`, {
    field: `--${name}`,
    remedy: "Run it where the data directory is, and name that with --data-dir.",
  });
}
