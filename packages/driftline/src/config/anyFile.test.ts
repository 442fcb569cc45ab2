// Any driftline.yaml and any environment: they take effect as they stand, or an error names the key and where it is.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { stringify } from "yaml";
import { DriftlineError } from "../errors/registry.ts";
import { type Configuration, loadConfiguration } from "./configuration.ts";
import { type Setting, settingNames, settings } from "./settings.ts";

const folder = mkdtempSync(join(tmpdir(), "driftline-any-file-"));
after(() => rmSync(folder, { recursive: true }));
const file = join(folder, "driftline.yaml");
const nothing = { XDG_CONFIG_HOME: join(folder, "none") };

/** What was loaded, or the error; anything else than Driftline's own error fails the test. */
function load(text: string | Uint8Array, environment = {}): Configuration | DriftlineError {
  writeFileSync(file, text);
  try {
    return loadConfiguration({ file, environment: { ...nothing, ...environment } });
  } catch (error) {
    assert.ok(error instanceof DriftlineError, String(error));
    assert.equal(error.code, "invalid_configuration");
    assert.ok(error.field && error.remedy, error.message);
    assert.doesNotMatch(error.message, /undefined|\[object|Invalid input|\n\s+at /);
    return error;
  }
}

const names = fc.constantFrom(...settingNames);
const odd = fc.oneof(
  fc.constantFrom<unknown>(
    "",
    "~",
    -1,
    0.5,
    Number.POSITIVE_INFINITY,
    Number.NaN,
    2 ** 60,
    true,
    [],
    [1],
    {},
    { a: 1 },
    "\0",
    "\ud800",
  ),
  fc.string({ unit: "binary" }),
  fc.integer(),
);

/** One key of the file, nested where it belongs to a group. */
function fileWith(name: string, value: unknown): string {
  const [group, member] = name.split(".");
  return stringify(member === undefined ? { [group]: value } : { [group]: { [member]: value } });
}

test("a value takes effect or is an error that names file, line and key", () => {
  fc.assert(
    fc.property(names, odd, fc.nat(5), (name, value, blank) => {
      const result = load("\n".repeat(blank) + fileWith(name, value));
      if (!(result instanceof DriftlineError)) {
        const { schema }: Setting = settings[name];
        assert.ok(schema.safeParse(value).success, `${name}: ${JSON.stringify(value)} was accepted`);
        assert.match(result.sources[name], / line \d+$/);
        return;
      }
      assert.ok(result.message.includes(file) && result.message.includes(name), result.message);
      const line = Number(/ line (\d+)/.exec(result.message)?.[1]);
      assert.equal(line, blank + (name.includes(".") ? 2 : 1), result.message);
    }),
    { seed: 1, numRuns: 500 },
  );
});

test("whole numbers within their limits take effect, from the file and from the environment", () => {
  const limits: [(typeof settingNames)[number], number, number][] = [
    ["threads", 1, 1024],
    ["workers", 1, 256],
    ["server.httpPort", 0, 65535],
    ["limits.trainingSeconds", 1, 30 * 24 * 3600],
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...limits),
      fc.integer({ min: -5, max: 3_000_000 }),
      fc.boolean(),
      ([name, low, high], number, inFile) => {
        const result = inFile
          ? load(fileWith(name, number))
          : load("", { [settings[name].variable]: String(number) });
        if (number < low || number > high)
          return assert.ok(result instanceof DriftlineError && result.field === name);
        assert.ok(!(result instanceof DriftlineError), String(result));
        const [group, member] = name.split(".");
        const value = (result as unknown as Record<string, unknown>)[group];
        assert.equal(member === undefined ? value : (value as Record<string, number>)[member], number);
      },
    ),
    { seed: 1, numRuns: 300 },
  );
});

test("a key that is no setting is an error that names it, at the top and in a group", () => {
  const key = fc.oneof(
    fc.constantFrom("__proto__", "constructor", "toString", "Threads", "data_directory"),
    fc.stringMatching(/^[a-z]{1,12}$/),
  );
  fc.assert(
    fc.property(key, fc.constantFrom("", "server."), (name, group) => {
      const whole = group + name;
      const known = settingNames.some((each) => each === whole || each.startsWith(`${whole}.`));
      fc.pre(!known);
      const result = load(group === "" ? `${name}: 1\n` : `server:\n  ${name}: 1\n`);
      assert.ok(result instanceof DriftlineError, `${whole} was accepted`);
      assert.equal(result.field, whole);
    }),
    { seed: 1 },
  );
});

test("any bytes in place of the file are read, or refused with the file", () => {
  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.string({ unit: fc.constantFrom(..."abc:[]{}-&*!|>'\"%@`#,?\n \t~0"), maxLength: 40 }),
    fc.constantFrom(
      "- a",
      "a",
      "1",
      "a: &x [*x]",
      "&a a: *a",
      "? [1]\n: 2",
      "a: 1\na: 2",
      "%YAML 9\n---",
      "--- 1\n--- 2",
      "<<: {}",
      "[".repeat(3_000),
    ),
  );
  fc.assert(
    fc.property(noise, (bytes) => {
      const result = load(bytes);
      if (result instanceof DriftlineError) assert.ok(result.message.includes(file), result.message);
    }),
    { seed: 1, numRuns: 500 },
  );
});
