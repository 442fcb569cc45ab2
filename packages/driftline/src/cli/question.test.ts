// NAME=VALUE words: any names and values come back as they were written, and every other word is refused by name.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { assignments, questionOf } from "./question.ts";

const name = fc.oneof(
  fc.constantFrom("__proto__", "constructor", "toString", "drift_velocity"),
  fc.string({ minLength: 1, unit: "binary" }).filter((text) => !text.includes("=")),
);
/** A value may hold = itself. */
const value = fc.oneof(fc.constantFrom("", "=", "a=b", " "), fc.string({ unit: "binary" }));
const pairs = fc.uniqueArray(fc.tuple(name, value), { selector: ([first]) => first });
const words = (given: [string, string][]) => given.map((pair) => pair.join("="));

test("names and values come back", () => {
  fc.assert(
    fc.property(pairs, (given) => {
      // As maps: objects have names that are whole numbers first.
      assert.deepEqual(new Map(Object.entries(assignments("--at", words(given)))), new Map(given));
    }),
    { seed: 1 },
  );
});

test("a name given twice is refused by name, wherever the two stand", () => {
  fc.assert(
    fc.property(pairs, name, value, value, fc.nat(), (given, twice, first, second, at) => {
      const others = words(given.filter(([other]) => other !== twice));
      const all = [
        `${twice}=${first}`,
        ...others.toSpliced(at % (others.length + 1), 0, `${twice}=${second}`),
      ];
      assert.throws(() => assignments("--at", all), {
        code: "usage",
        field: twice,
        message: `--at ${twice} is given twice.`,
      });
    }),
    { seed: 1 },
  );
});

test("a word without a name or a value is refused with the option and how to write it", () => {
  const wrong = fc.oneof(
    name,
    value.map((text) => `=${text}`),
    fc.constant(""),
  );
  fc.assert(
    fc.property(wrong, fc.constantFrom("--at", "--software"), (word, option) => {
      const given = option === "--at" ? { at: [word] } : { software: [word] };
      assert.throws(() => questionOf(given), { code: "usage", field: option, remedy: /NAME=VALUE/ });
    }),
    { seed: 1 },
  );
});

test("only two ways to resolve are accepted", () => {
  fc.assert(
    fc.property(fc.string(), (accept) => {
      fc.pre(accept !== "exact" && accept !== "compatible");
      assert.throws(() => questionOf({ accept }), { code: "usage", field: "--accept" });
    }),
    { seed: 1 },
  );
});
