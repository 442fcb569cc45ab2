// What every run of the command must end with: a right exit code, and a result or an error that says what to do.

import assert from "node:assert/strict";
import type { Captured } from "../../packages/driftline/src/cli/testing.ts";
import { errorRegistry } from "../../packages/driftline/src/errors/registry.ts";
import type { CommandLine } from "./commandLines.ts";
import { checkText, problemIn } from "./document.ts";

/** Commands whose result can be bad news: printed as a result, with an exit code. */
const badNews = new Map([
  ["resolve", [4]],
  ["doctor", [1, 5]],
  ["validate", [3]],
  // Of a snapshot.
  ["verify", [5]],
]);

/** Throws where a run did not end as its command line must. Says whether it ended with an error that only a person can read. */
export function checkCommand({ args, expected }: CommandLine, { code, stdout, stderr }: Captured): boolean {
  const said = args.join("\n");
  const what = `exit code ${code}\n${stdout.slice(0, 1_000)}\n${stderr.slice(0, 1_000)}`;
  assert.ok([0, 1, 2, 3, 4, 5].includes(code), what);
  checkText(stderr, said);
  if (expected !== null) assert.equal(code, expected.exit, what);
  const isResult =
    code === 0 || (badNews.get(args[0])?.includes(code) && stdout !== "" && !isProblem(stdout));
  if (isResult) {
    assert.notEqual(stdout, "", what);
    checkText(stdout, said);
    if (wantsJson(args)) JSON.parse(stdout);
    if (expected?.key !== undefined && wantsJson(args)) {
      const { question, found, model } = JSON.parse(stdout);
      assert.equal(question.key, expected.key);
      if (expected.answer?.found) assert.equal(model.bundle, expected.answer.bundle);
      else assert.equal(found, false);
    }
    return false;
  }
  if (wantsJson(args) || isProblem(stdout)) {
    const problem = problemIn(stdout, said);
    assert.equal(code, errorRegistry[problem.code].exit, what);
    assert.notEqual(problem.code, "internal", what);
    assert.ok(problem.remedy, `no remedy: ${what}`);
    assert.ok(
      problem.code !== "usage" || problem.field || mentions(problem.detail, args),
      `no field: ${what}`,
    );
    return false;
  }
  assert.equal(stdout, "", what);
  const [detail] = stderr.split("\n  at: ")[0].split("\n  remedy: ");
  assert.ok(detail.trim().length > 10, what);
  assert.match(stderr, /\n {2}remedy: ./, what);
  return true;
}

function wantsJson(args: string[]): boolean {
  return (
    args.slice(1).includes("--json") && !args.includes("--help") && !args.includes("--") && args[0] !== "help"
  );
}

function isProblem(stdout: string): boolean {
  return stdout.startsWith("{") && stdout.includes('"urn:driftline:error:');
}

/** Whether a message names the word that it is about. */
function mentions(detail: string, args: string[]): boolean {
  return args.some(
    (arg) => detail.includes(JSON.stringify(arg)) || (arg !== "" && detail.includes(arg.split("=")[0])),
  );
}
