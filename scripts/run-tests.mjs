// Runs the end-to-end tests (`e2e`) or those that need real servers (`servers`) and says plainly what there is and what is left out.

import { spawn } from "node:child_process";
import { globSync } from "node:fs";

const [kind, ...options] = process.argv.slice(2);
const isServerTest = (file) => file.endsWith(".servers.test.ts");
const all = globSync("e2e/**/*.test.ts").sort();
const files = all.filter((file) => isServerTest(file) === (kind === "servers"));

if (kind !== "servers" && kind !== "e2e") {
  process.stderr.write("Usage: node scripts/run-tests.mjs servers|e2e [options of node --test]\n");
  process.exitCode = 2;
} else if (files.length === 0) {
  process.stdout.write(
    kind === "servers"
      ? "There are no tests against real servers yet (e2e/**/*.servers.test.ts).\n"
      : "There are no end-to-end tests yet (e2e/**/*.test.ts).\n",
  );
} else {
  if (kind === "e2e" && all.length > files.length) {
    process.stdout.write(
      `${all.length - files.length} files need real servers: \`npm run test:servers\` runs them.\n`,
    );
  }
  const child = spawn(process.execPath, ["--test", "--test-concurrency=1", ...options, ...files], {
    stdio: "inherit",
  });
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code) => {
    process.exitCode = code ?? 1;
  });
}
