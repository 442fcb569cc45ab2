// driftline serve: the catalogue over HTTP, and the workers that make what is missing.

import { resolve as resolvePath } from "node:path";
import type { Driftline } from "@driftline/client/api";
import { readLock } from "@driftline/client/lock/lock";
import { type LockedDriftline, underLock } from "@driftline/client/lock/underLock";
import { startUpkeep } from "../../lifecycle/upkeep.ts";
import { listen } from "../../server/server.ts";
import { readTls } from "../../server/tls.ts";
import { defineCommand } from "../command.ts";
import { integer } from "../numbers.ts";

/** Who stops a server waits 10 s, and then kills it. */
const patienceMs = 9_000;

export const serve = defineCommand({
  name: "serve",
  summary: "Serve the catalogue under /v1 and run its jobs until SIGTERM or Ctrl-C.",
  positionals: [],
  options: {
    host: { type: "string", value: "HOST", description: "Address to bind (default 127.0.0.1)" },
    lock: {
      type: "string",
      value: "LOCK",
      description: "Lock file: answer with its bundles and nothing else, and run no jobs",
    },
    "http-port": { type: "string", value: "PORT", description: "Port of the HTTP interface (default 8080)" },
  },
  examples: ["driftline serve --http-port 8080"],
  async run(context, _words, options) {
    const { token, allowedHosts, dataDirectories, dataAddresses, tlsCertificate, tlsKey } =
      context.config.server;
    const tls = readTls(tlsCertificate, tlsKey);
    const platform = await context.platform();
    const { config } = platform;
    const lock =
      options.lock === undefined ? null : await lockedDriftline(platform, resolvePath(options.lock));
    const address = await listen({
      driftline: lock ?? platform,
      resolveJson: lock === null ? platform.resolveJson : undefined,
      jobCounts: platform.jobCounts,
      host: options.host ?? config.server.host,
      port: integer("--http-port", options["http-port"]) ?? config.server.httpPort,
      ...{ token, allowedHosts, dataDirectories, dataAddresses, tls },
    });
    const executor = lock === null ? platform.runJobs() : null;
    const upkeep = startUpkeep(platform.opened, config.limits.keepDays, (line) =>
      context.progress.note(line),
    );
    context.progress.note(
      `Driftline serves ${config.dataDirectory}${lock === null ? "" : ` under lock ${lock.lock.digest}`} at ${address.url}`,
    );
    if (!context.signal.aborted) {
      await new Promise<void>((resolve) =>
        context.signal.addEventListener("abort", () => resolve(), { once: true }),
      );
    }
    // Work that nobody waits for any more, such as hashing a file for a client, must not keep the process.
    setTimeout(() => process.exit(0), patienceMs).unref();
    await Promise.all([address.close(), executor?.close(), upkeep.close()]);
    return { json: { stopped: true }, text: "Stopped; unfinished jobs go on at the next start." };
  },
});

/** Throws `damaged` where a bundle of the lock is missing or is not what it was: better now than for one of its jobs. */
async function lockedDriftline(driftline: Driftline, path: string): Promise<LockedDriftline> {
  const locked = underLock(driftline, await readLock(path));
  for (const bundle of new Set(locked.lock.ranges.map((range) => range.bundle)))
    await locked.manifest(bundle);
  return locked;
}
