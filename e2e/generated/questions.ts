// Questions whose right answer is known by construction: a canonical value is chosen first and then written in some other way.

import { createHash } from "node:crypto";
import type { FamilySummary } from "@driftline/client";
import fc from "fast-check";
import { Raw } from "./values.ts";

export interface Asked {
  family: string;
  conditions: Record<string, unknown>;
  software: Record<string, string>;
  accept: "exact" | "compatible";
}

/** What a question means. */
export interface Meaning {
  conditions: Record<string, string>;
  software: Record<string, string>;
  defaulted: string[];
  key: string;
}

export interface AskedAndMeant {
  asked: Asked;
  meant: Meaning;
}

/** Another unit and the power of ten of a declared unit in it: 1 cm/us is 10^4 m/s. */
const otherUnits: Record<string, [unit: string, power: number][]> = {
  "cm/us": [
    ["mm/us", 1],
    ["m/s", 4],
    ["km/s", 1],
    ["cm/ns", -3],
    ["mm/ns", -2],
  ],
  "um/sqrt(cm)": [
    ["mm/sqrt(cm)", -3],
    ["nm/sqrt(cm)", 3],
  ],
  T: [
    ["mT", 3],
    ["uT", 6],
  ],
  ns: [
    ["us", -3],
    ["ps", 3],
    ["s", -9],
  ],
};

type Condition = FamilySummary["conditions"][number];
/** How something is written, and the canonical text that this means. */
interface Written {
  given: unknown;
  means: string;
}

/** digits × 10^power as plain decimal text. */
function plain(digits: bigint, power: number): string {
  if (digits < 0n) return `-${plain(-digits, power)}`;
  if (power >= 0) return String(digits * 10n ** BigInt(power));
  const text = String(digits).padStart(1 - power, "0");
  return `${text.slice(0, power)}.${text.slice(power)}`;
}

function shortest(decimal: string): string {
  const text = decimal.includes(".") ? decimal.replace(/\.?0+$/, "") : decimal;
  return text === "-0" ? "0" : text;
}

/** A power of ten as a family's grid has it: "0.01" is -2. */
function powerOf(grid: string): number {
  const [, fraction = ""] = grid.split(".");
  const digits = BigInt(grid.replace(".", ""));
  if (digits !== 1n) throw new Error(`a grid of ${grid} is no power of ten`);
  return -fraction.length;
}

function stepsIn(decimal: string, power: number): bigint {
  const [whole, fraction = ""] = decimal.split(".");
  return BigInt(whole + fraction.padEnd(-power, "0"));
}

/** Ways to write a quantity of `steps` steps of the grid. */
function writings(condition: Condition, steps: bigint, power: number): fc.Arbitrary<Written> {
  const means = shortest(plain(steps, power));
  const unit = condition.unit ?? "";
  const shown = unit === "1" ? "" : unit;
  const written = (given: unknown) => fc.constant({ given, means });
  // A little off the grid: less than half a step, or half a step where that rounds to an even one.
  const off = fc
    .integer({ min: -4, max: steps % 2n === 0n ? 5 : 4 })
    .map((tenths) => ({ given: `${plain(steps * 10n + BigInt(tenths), power - 1)} ${shown}`, means }));
  return fc.oneof(
    written(means),
    written(`${means} ${shown}`),
    written(`  ${means}${shown} `),
    written(`+0${plain(steps * 1000n, power - 3)} ${shown}`),
    written(`${steps}e${power} ${shown}`),
    written(new Raw(means)),
    off,
    ...(otherUnits[unit] ?? []).map(([other, shift]) => written(`${plain(steps, power + shift)} ${other}`)),
  );
}

function quantity(condition: Condition, near: string | null): fc.Arbitrary<Written> {
  const power = powerOf(condition.grid!);
  const [low, high] = [condition.minimum!, condition.maximum!].map((bound) => stepsIn(bound, power));
  const anywhere = fc.bigInt({ min: low, max: high });
  const close = near === null ? anywhere : stepsNear(stepsIn(near, power), low, high);
  return fc
    .oneof({ weight: 1, arbitrary: anywhere }, { weight: 3, arbitrary: close })
    .chain((steps) => writings(condition, steps, power));
}

function stepsNear(own: bigint, low: bigint, high: bigint): fc.Arbitrary<bigint> {
  return fc.integer({ min: -7, max: 7 }).map((away) => {
    const moved = own + BigInt(away);
    return moved < low || moved > high ? own : moved;
  });
}

const words = fc.oneof(
  fc.constantFrom("Ar/CH4 90/10", "Ne/CO2 90/10", "ga\u0301s", "\u{1f4a5}", "__proto__", "0"),
  fc.string({ minLength: 1, maxLength: 12 }).filter((text) => text.trim() === text),
);

function label(condition: Condition): fc.Arbitrary<Written> {
  if (condition.values !== null)
    return fc.constantFrom(...condition.values).map((word) => ({ given: word, means: word }));
  return words.map((word) => ({ given: word, means: word.normalize("NFC") }));
}

const versions = fc.constantFrom("mpdroot/unknown", "other/2.0-rc.1", "a/b");

/** Questions of one family: now and then each part is left out, and means what is nominal. */
function questionsOf(family: FamilySummary): fc.Arbitrary<AskedAndMeant> {
  const part = (written: fc.Arbitrary<Written>, often: number): fc.Arbitrary<Written | null> =>
    fc.oneof({ weight: often, arbitrary: written }, { weight: 10 - often, arbitrary: fc.constant(null) });
  const conditions = family.conditions.map((condition) =>
    // Mostly left out: then questions meet models.
    part(condition.unit === null ? label(condition) : quantity(condition, condition.nominal), 2),
  );
  const software = family.software.map(({ nominal }) =>
    part(
      fc.oneof(fc.constant(nominal!), versions).map((word) => ({ given: word, means: word })),
      1,
    ),
  );
  return fc
    .tuple(
      fc.tuple(...conditions),
      fc.tuple(...software),
      fc.constantFrom<Asked["accept"]>("exact", "compatible"),
    )
    .map(([values, components, accept]) => {
      const first = sorted(family.conditions, values);
      const second = sorted(family.software, components);
      const meant = {
        conditions: first.meant,
        software: second.meant,
        defaulted: [...first.left, ...second.left],
      };
      return {
        asked: {
          family: family.name,
          conditions: first.given,
          software: second.given as Record<string, string>,
          accept,
        },
        meant: { ...meant, key: keyOf(family, meant) },
      };
    });
}

function sorted(declared: { name: string; nominal: string | null }[], written: (Written | null)[]) {
  const given: Record<string, unknown> = {};
  const meant: Record<string, string> = {};
  const left: string[] = [];
  for (const [i, { name, nominal }] of declared.entries()) {
    const each = written[i];
    if (each === null) left.push(name);
    else given[name] = each.given;
    meant[name] = each?.means ?? nominal!;
  }
  return { given, meant, left };
}

/** The key by its definition (design: canonical JSON of the question, SHA-256). */
function keyOf(
  family: FamilySummary,
  { conditions, software }: Pick<Meaning, "conditions" | "software">,
): string {
  const inOrder = (values: Record<string, string>) =>
    Object.fromEntries(Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1)));
  const canonical = {
    conditions: inOrder(conditions),
    family: family.name,
    familyVersion: family.version,
    scheme: "driftline-key/1",
    software: inOrder(software),
  };
  return `k1-${createHash("sha256").update(JSON.stringify(canonical)).digest("hex")}`;
}

export function questions(families: FamilySummary[]): fc.Arbitrary<AskedAndMeant> {
  return fc.oneof(...families.map(questionsOf));
}
