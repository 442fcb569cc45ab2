// Runs of the command in process: what is wrong with the words, with code, field and exit code, and nothing left behind.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Problem } from "@driftline/client/api";
import { captured } from "./testing.ts";

const directory = mkdtempSync(join(tmpdir(), "driftline-run-"));
after(() => rmSync(directory, { recursive: true }));

const ended = (...args: string[]) => captured(args);

async function problemOf(...args: string[]): Promise<Pick<Problem, "code" | "field"> & { exit: number }> {
  const { code: exit, stdout } = await ended(...args, "--json");
  const { code, field } = JSON.parse(stdout) as Problem;
  return { exit, code, field };
}

const here = ["--data-dir", join(directory, "data")];

test("names that every JavaScript object has are no commands and no options", async () => {
  for (const name of ["constructor", "toString", "__proto__", "hasOwnProperty"]) {
    const { code, stderr } = await ended(name);
    assert.equal(code, 2);
    assert.ok(stderr.startsWith(`driftline: there is no command "${name}".\n`), stderr);
    assert.deepEqual(await problemOf("models", `--${name}`), { exit: 2, code: "usage", field: `--${name}` });
    assert.equal((await ended("help", name)).code, 2);
  }
});

test("a condition with such a name is unknown, not passed over", async () => {
  for (const name of ["__proto__", "constructor"]) {
    assert.deepEqual(await problemOf("resolve", "mpd.tpc", "--at", `${name}=1`, ...here), {
      exit: 2,
      code: "unknown_condition",
      field: `conditions.${name}`,
    });
  }
});

test("numbers that no sample or dataset can have are refused before anything is made", async () => {
  const generate = ["generate", "mpd.tpc", "--out", join(directory, "sample"), ...here, "--rows"];
  for (const rows of ["0", "10000001", "999999999999999", "1e3", "-1"]) {
    assert.deepEqual(await problemOf(...generate.with(-1, `--rows=${rows}`)), {
      exit: 2,
      code: "usage",
      field: "--rows",
    });
  }
  const ensure = (option: string) => problemOf("ensure", "mpd.tpc", option, ...here);
  assert.deepEqual(await ensure("--rows=1"), { exit: 2, code: "usage", field: "rows" });
  assert.deepEqual(await ensure("--seed=2147483648"), { exit: 2, code: "usage", field: "seed" });
});

test("a hyperparameter that cannot be sent is refused before a server is asked", async () => {
  const nested = `deep=${"[".repeat(9_000)}${"]".repeat(9_000)}`;
  for (const [given, field] of [
    [nested, "hyperparameters.deep"],
    ["rate=1e999", "hyperparameters.rate"],
  ]) {
    assert.deepEqual(
      await problemOf("ensure", "mpd.tpc", "--hyperparameter", given, "--url", "http://127.0.0.1:9"),
      {
        exit: 2,
        code: "usage",
        field,
      },
    );
  }
});

test("a file in place of the data directory is named as that", async () => {
  const path = join(directory, "file");
  writeFileSync(path, "");
  for (const given of [path, join(path, "below")]) {
    assert.deepEqual(await problemOf("models", "--data-dir", given), {
      exit: 2,
      code: "invalid_data_directory",
      field: "data-dir",
    });
  }
});

test("a place that cannot be written to is named by its option", async () => {
  const file = join(directory, "a-file");
  writeFileSync(file, "");
  for (const place of [
    directory,
    join(file, "below"),
    join(directory, "no", "such"),
    join(directory, "a".repeat(300)),
  ]) {
    assert.deepEqual(
      await problemOf("generate", "mpd.tpc", "--rows", "1", "--out", place, ...here),
      { exit: 2, code: "usage", field: "--out" },
      place,
    );
  }
});

test("--json after -- is a word, and no run leaves a handler of signals behind", async () => {
  const before = process.listenerCount("SIGTERM");
  const { code, stdout, stderr } = await ended("families", ...here, "--", "--json");
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(stderr, /There is no family "--json"/);
  assert.equal(process.listenerCount("SIGTERM"), before);
});

test("help of a command that there is not names the nearest", async () => {
  const { code, stderr } = await ended("help", "resolv");
  assert.equal(code, 2);
  assert.match(stderr, /Did you mean resolve\?/);
  assert.match((await ended("help", "resolve")).stdout, /^driftline resolve/);
  assert.match((await ended("help", "--json")).stdout, /^driftline COMMAND/);
});
