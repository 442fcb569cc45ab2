// Generated command lines: the right exit code, results alone on standard output, errors that say what to do.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { captured } from "../../packages/driftline/src/cli/testing.ts";
import { temporaryDirectory } from "../support.ts";
import { checkCommand } from "./checkCommand.ts";
import { commandLines, loadCommands } from "./commandLines.ts";
import { startCommandSubject } from "./commandSubject.ts";
import { generated } from "./options.ts";

/** Any of them ends within this time on a busy machine; most take milliseconds. */
const longestMs = 30_000;

test("every generated command line ends with the right exit code and a well-formed answer", async (t) => {
  const subject = await startCommandSubject(t, await temporaryDirectory(t));
  const property = fc.asyncProperty(commandLines(await loadCommands(), subject), async (line) => {
    const run = await captured(line.args);
    if (!checkCommand(line, run) || line.args.length === 0) return;
    // The code of the error is in its JSON, and the exit code must be that code's.
    const args = line.args.toSpliced(1, 0, "--json");
    const again = await captured(args);
    checkCommand({ args, expected: null }, again);
    assert.equal(again.code, run.code);
  });
  await fc.assert(property, { ...generated, timeout: longestMs });
  const models = JSON.parse((await captured(["models", "--json"])).stdout) as unknown[];
  assert.equal(models.length, subject.catalogue.bundles.length, "the catalogue is as it was");
});
