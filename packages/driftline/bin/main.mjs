#!/usr/bin/env node
// Starts the command on Node 24: plain JavaScript, so that an older Node can at least find a newer one or say what to do.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import nodeModule from "node:module";
import { homedir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const neededNode = 24;

/** The program of the npm package `node`, or null where it is not installed. */
function bundledNode() {
  try {
    const manifest = nodeModule.createRequire(import.meta.url).resolve("node/package.json");
    const program = path.join(
      path.dirname(manifest),
      "bin",
      process.platform === "win32" ? "node.exe" : "node",
    );
    return existsSync(program) ? program : null;
  } catch {
    return null;
  }
}

/** Runs this file again with another Node and ends as it ends. */
function runWith(program) {
  const child = spawn(program, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: "inherit",
  });
  // A terminal sends its Ctrl-C to both processes; forwarding it would count as the user's second one.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"]) {
    process.on(signal, () => {
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.on("error", (error) => {
    process.stderr.write(`driftline: ${program} did not start: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

if (Number.parseInt(process.versions.node, 10) >= neededNode) {
  // Keeps compiled code between starts (0.2 s of 0.6); in the user's own folder, which no other user can write to.
  const cache = process.env.XDG_CACHE_HOME ?? path.join(homedir(), ".cache");
  const compiled = path.join(cache, "driftline", "compiled");
  nodeModule.enableCompileCache(compiled);
  // For the worker processes too, and those that run models.
  process.env.NODE_COMPILE_CACHE ??= compiled;
  // A checkout has the sources, which Node runs as they are; a published package has only dist/.
  const source = new URL("../src/cli/main.ts", import.meta.url);
  await import(existsSync(source) ? source.href : new URL("../dist/cli/main.js", import.meta.url).href);
} else {
  const program = bundledNode();
  if (program !== null) runWith(program);
  else {
    process.stderr.write(
      `driftline: needs Node ${neededNode} or later, and this is ${process.version}.\n` +
        "In a checkout run `npm run setup`; elsewhere install Node 24 (https://nodejs.org), or `npm install node@24 --ignore-scripts=false` beside driftline.\n",
    );
    process.exitCode = 1;
  }
}
