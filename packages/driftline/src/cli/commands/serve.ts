// driftline serve: the catalogue over HTTP, and the workers that make what is missing.

import { startUpkeep } from "../../lifecycle/upkeep.ts";
import { listen } from "../../server/server.ts";
import { defineCommand } from "../command.ts";
import { integer } from "./ensure.ts";

export const serve = defineCommand({
  name: "serve",
  summary: "Serve the catalogue under /v1 and run its jobs until SIGTERM or Ctrl-C.",
  positionals: [],
  options: {
    host: { type: "string", value: "HOST", description: "Address to bind (default 127.0.0.1)" },
    "http-port": { type: "string", value: "PORT", description: "Port of the HTTP interface (default 8080)" },
  },
  examples: ["driftline serve --http-port 8080"],
  async run(context, _words, options) {
    const platform = await context.platform();
    const { config } = platform;
    const address = await listen({
      driftline: platform,
      host: options.host ?? config.server.host,
      port: integer("--http-port", options["http-port"]) ?? config.server.httpPort,
      token: config.server.token,
    });
    platform.runJobs();
    const upkeep = startUpkeep(platform.opened.catalogue, config.limits.keepDays, (line) =>
      context.progress.note(line),
    );
    context.progress.note(`Driftline serves ${config.dataDirectory} at ${address.url}`);
    await new Promise<void>((resolve) =>
      context.signal.addEventListener("abort", () => resolve(), { once: true }),
    );
    await upkeep.close();
    await address.close();
    return { json: { stopped: true }, text: "Stopped; unfinished jobs go on at the next start." };
  },
});
