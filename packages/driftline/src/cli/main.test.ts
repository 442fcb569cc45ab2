// The command as a process, where its output goes nowhere: no stack trace, and an exit code that tells what was lost.

import assert from "node:assert/strict";
import { type StdioOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("./main.ts", import.meta.url));

/** Runs `driftline help`, which prints more than a line; `change` acts on the process at once. */
async function help(stdio: StdioOptions, change = (_: ReturnType<typeof spawn>) => {}) {
  const child = spawn(process.execPath, [main, "help"], { stdio });
  let stderr = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  change(child);
  const [code] = await once(child, "close");
  return { code, stderr };
}

test("a reader that has gone is no fault", async () => {
  const ended = await help(["ignore", "pipe", "pipe"], (child) => child.stdout?.destroy());
  assert.deepEqual(ended, { code: 0, stderr: "" });
});

test("a result that could not be written is one, in one line", {
  skip: process.platform !== "linux",
}, async () => {
  const full = openSync("/dev/full", "w");
  try {
    const { code, stderr } = await help(["ignore", full, "pipe"]);
    assert.equal(code, 1);
    assert.match(stderr, /^The result could not be written: ENOSPC.*\n$/);
    assert.equal((await help(["ignore", full, full])).code, 1);
  } finally {
    closeSync(full);
  }
});
