// Values for the words and options of commands, by what help shows in their place.

import fc from "fast-check";
import type { TestCatalogue } from "./catalogue.ts";
import { questions } from "./questions.ts";
import { anyText, Raw } from "./values.ts";

export interface CommandSubject {
  catalogue: TestCatalogue;
  jobs: string[];
  /** Files to read, by paths that may also be written to. */
  readable: string[];
  /** A snapshot of the catalogue, and a lock of the tag `mc`, which `runs.csv` among the readable files made. */
  snapshot: string;
  lock: string;
  /** Address of a server of the catalogue. */
  server: string;
  /** That address, and others at which nothing answers as a Driftline server does. */
  urls: string[];
}

/** A text as an argument can be: no zero byte, no half of a pair; and no path, so that nothing is written outside the folder of the test. */
export const word: fc.Arbitrary<string> = anyText.map((text) =>
  text
    .toWellFormed()
    .replaceAll("\0", "")
    .replaceAll(/[/\\~]|\.\./g, "_")
    .slice(0, 20_000),
);

/** A value for a word or option: by its name, by what help shows in its place, else any word. */
export function valueFor(name: string, subject: CommandSubject, shownAs = name): fc.Arbitrary<string> {
  return named(subject)[name] ?? shown(subject)[shownAs] ?? word;
}

type Values = Record<string, fc.Arbitrary<string> | undefined>;

function named({ catalogue, readable, snapshot }: CommandSubject): Values {
  return {
    // Beside what others have written, and where they have.
    out: fc.oneof(
      word,
      fc.integer({ min: 0, max: 9_999 }).map((n) => `out${n}`),
    ),
    "data-dir": fc.constantFrom(catalogue.dataDirectory, "other-data", readable[0]),
    snapshot: fc.constantFrom(snapshot, snapshot, "nowhere", readable[0]),
    model: fc.constantFrom("energy-score", "no such model"),
  };
}

function shown({
  catalogue: { families, bundles },
  jobs,
  readable,
  urls,
  snapshot,
  lock,
}: CommandSubject): Values {
  const family = fc.constantFrom(...families.map((each) => each.name), "test.tcp");
  const digest = fc
    .tuple(
      fc.constantFrom(...bundles.map((each) => each.digest), "0".repeat(64)),
      fc.constantFrom(64, 12, 8, 7),
    )
    .map(([whole, length]) => whole.slice(0, length));
  const number = fc.oneof(
    words("1 0 5 100"),
    words("-1 1.5 1e3 0x10 9007199254740993 999999999999999 10000000000 NaN"),
  );
  const nest = `${"[".repeat(9_000)}${"]".repeat(9_000)}`;
  return {
    FAMILY: family,
    BUNDLE: digest,
    FAMILY_OR_BUNDLE: fc.oneof(family, digest),
    DIRECTORY_OR_FAMILY_OR_BUNDLE: fc.oneof(family, digest, fc.constantFrom(...readable, ".")),
    DIRECTORY_OR_BUNDLE: fc.oneof(digest, fc.constantFrom(...readable, snapshot, ".", "nowhere")),
    BUNDLE_OR_ACTION: fc.oneof(digest, words("recall retire recall")),
    TAG_OR_ACTION: words("mc import freeze import nothing"),
    FILE_OR_TAG: fc.constantFrom(...readable, "runs.csv", "mc", "nothing"),
    ACTION: words("register registered"),
    TAG: words("mc mc nothing"),
    LOCK: fc.constantFrom(lock, lock, ...readable, "nowhere"),
    TIME: words("2026-01-01 2100-01-01T00:00:00Z 2026-13-01 yesterday"),
    JOB: fc.constantFrom(...jobs, "nobody"),
    "NAME=VALUE": questions(families)
      .map(({ asked }) => Object.entries({ noise: "1 ADC", ...asked.conditions }))
      .chain((entries) => fc.constantFrom(...entries.map(([key, value]) => `${key}=${textOf(value)}`))),
    "NAME=NAME/VERSION": words(
      "simulator=driftline-tpc/1 simulator=mpdroot/unknown geometry=a/b simulator=a simulator",
    ),
    "NAME=JSON": fc
      .tuple(word, fc.oneof(words("1 [ {} null 1e999"), fc.constant(nest)))
      .map((parts) => parts.join("=")),
    "c|so": words("c so rust"),
    FLAGS: words("-O1 -DNDEBUG -no-such-flag"),
    "exact|compatible": words("exact compatible both"),
    FILE: fc.constantFrom(...readable, "nowhere", "."),
    SPECIFICATION: fc.constantFrom(...readable, "runs.csv", "nowhere"),
    SPECIFICATION_OR_FILE: fc.constantFrom(...readable, "runs.csv", "mc=runs.csv", "nowhere"),
    EXPRESSION: fc.oneof(
      words(
        "first_run drift_velocity*2 last_run>first_run sum(first_run) first_run+ ((( 1/0 tag=='mc' nothing",
      ),
      word,
    ),
    "NAME=EXPRESSION": words("x=first_run x=y=z length=last_run-first_run first_run=1 x="),
    NAMES: words("first_run,last_run * nothing f* ,"),
    "N[,LOW,HIGH]": words("10 10,0,5 0 1e9 10,5,0 a"),
    N: number,
    PORT: number,
    URL: fc.constantFrom(...urls),
  };
}

function words(text: string): fc.Arbitrary<string> {
  return fc.constantFrom(...text.split(" "));
}

/** How a value of a question is typed. */
export function textOf(value: unknown): string {
  return value instanceof Raw ? value.text : String(value);
}
