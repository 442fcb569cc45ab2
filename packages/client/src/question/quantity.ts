// Quantities: a number with a unit as someone writes it becomes a multiple of the family's grid, in exact arithmetic.

import { DriftlineError } from "../error.ts";
import {
  add,
  align,
  compare,
  type Decimal,
  divideHalfEven,
  formatDecimal,
  negate,
  readNumber,
} from "./decimal.ts";
import type { QuantityCondition } from "./family.ts";
import { compatibleUnits, conversionFactor, type Ratio, unitProblem } from "./units.ts";

/** A text longer than this is no quantity. */
const maxLength = 200;
/** Unit texts whose factors a condition remembers. */
const rememberedUnits = 64;

export type QuantityParser = (given: unknown) => string;

/**
 * Prepares the parser of a condition: from `"5.45 cm/us"`, `"54.5 mm/us"`, `"5.45"` or `5.45` to the canonical decimal
 * string in the declared unit. It throws `invalid_quantity`, `wrong_unit` or `out_of_range`.
 */
export function quantityParser(condition: QuantityCondition): QuantityParser {
  const grid = trusted(condition.grid);
  const [minimum, maximum] = [condition.minimum, condition.maximum].map((bound) =>
    stepsOf(trusted(bound), grid),
  );
  const perUnit = new Map<string, Ratio>([["", gridStepsPer({ numerator: 1n, denominator: 1n }, grid)]]);

  function scaleOf(unit: string, given: unknown): Ratio {
    const known = perUnit.get(unit);
    if (known) return known;
    const factor = conversionFactor(unit, condition.unit);
    if (!factor) throw badUnit(condition, given, unit);
    const scale = gridStepsPer(factor, grid);
    if (perUnit.size < rememberedUnits) perUnit.set(unit, scale);
    return scale;
  }

  return (given) => {
    const read = readNumber(textOf(condition, given));
    if (!read) throw notANumber(condition, given);
    const scale = scaleOf(withoutSpaces(read.rest), given);
    const steps = roundToSteps(read.value, scale);
    const value = formatDecimal({ digits: steps * grid.digits, exponent: grid.exponent });
    if (steps < minimum || steps > maximum) throw outside(condition, given, value);
    return value;
  };
}

/**
 * The condition's value moved by its tolerance, up (1) or down (-1), and no further than the allowed range. `value` and
 * the result are canonical decimal strings in the declared unit.
 */
export function shifted(condition: QuantityCondition, value: string, sign: -1 | 1): string {
  const tolerance = trusted(condition.tolerance);
  const moved = add(trusted(value), sign < 0 ? negate(tolerance) : tolerance);
  const bound = trusted(sign < 0 ? condition.minimum : condition.maximum);
  return formatDecimal(compare(moved, bound) * sign > 0 ? bound : moved);
}

/**
 * |a - b| in units of the tolerance, correctly rounded: 1 means exactly at the tolerance. With tolerance zero it is 0
 * for equal values and Infinity for others. `a` and `b` are canonical decimal strings in the declared unit.
 */
export function toleranceDistance(condition: QuantityCondition, a: string, b: string): number {
  if (a === b) return 0;
  const difference = add(trusted(a), negate(trusted(b)));
  const [apart, tolerance] = align(difference, trusted(condition.tolerance));
  return Number(apart < 0n ? -apart : apart) / Number(tolerance);
}

/** A decimal in canonical form, of any length. */
function trusted(text: string): Decimal {
  const point = text.indexOf(".");
  return { digits: BigInt(text.replace(".", "")), exponent: point < 0 ? 0 : point + 1 - text.length };
}

/** Grid steps in one of a unit, where `factor` is that unit in the declared unit. */
function gridStepsPer({ numerator, denominator }: Ratio, grid: Decimal): Ratio {
  const [one, step] = align({ digits: 1n, exponent: 0 }, grid);
  return { numerator: numerator * one, denominator: denominator * step };
}

function stepsOf(value: Decimal, grid: Decimal): bigint {
  const [whole, step] = align(value, grid);
  return whole / step;
}

function roundToSteps({ digits, exponent }: Decimal, { numerator, denominator }: Ratio): bigint {
  return exponent < 0
    ? divideHalfEven(digits * numerator, denominator * 10n ** BigInt(-exponent))
    : divideHalfEven(digits * numerator * 10n ** BigInt(exponent), denominator);
}

function textOf(condition: QuantityCondition, given: unknown): string {
  if (typeof given === "string" && given.length <= maxLength) return withoutSpaces(given);
  if (typeof given === "number" && Number.isFinite(given)) {
    if (Math.abs(given) <= Number.MAX_SAFE_INTEGER) return String(given);
    throw problem(condition, "invalid_quantity", given, "is beyond 2^53, where numbers are no longer exact", {
      remedy: "Write it as a string.",
    });
  }
  throw notANumber(condition, given);
}

/** Without the spaces at its ends; other white space is not to be guessed at. */
function withoutSpaces(text: string): string {
  return text.replace(/^ +| +$/g, "");
}

function notANumber(condition: QuantityCondition, given: unknown): DriftlineError {
  return problem(condition, "invalid_quantity", given, "is not a decimal number with a unit");
}

function badUnit(condition: QuantityCondition, given: unknown, unit: string): DriftlineError {
  // What follows the number is no attempt at a unit: thousands separators, decimal commas, hexadecimal digits.
  if (!/^[A-Za-zµμ%(]/.test(unit) || /^\s*[+-]?0[xXoObB]/.test(String(given)))
    return notANumber(condition, given);
  return problem(condition, "wrong_unit", given, `is in ${unit}, which ${unitProblem(unit, condition.unit)}`);
}

function outside(condition: QuantityCondition, given: unknown, value: string): DriftlineError {
  const { minimum, maximum, unit } = condition;
  const side = compare(trusted(value), trusted(minimum)) < 0 ? `below ${minimum}` : `above ${maximum}`;
  const rounded = String(given) === value || value.length > 40 ? "" : ` (on the grid it is ${value} ${unit})`;
  return problem(condition, "out_of_range", given, `is ${side} ${unit}${rounded}`);
}

function problem(
  condition: QuantityCondition,
  code: string,
  given: unknown,
  what: string,
  { remedy = allowed(condition) } = {},
): DriftlineError {
  return new DriftlineError(code, `Condition ${condition.name}: ${quoted(given)} ${what}.`, {
    field: `conditions.${condition.name}`,
    remedy,
  });
}

function allowed({ unit, minimum, maximum }: QuantityCondition): string {
  const others = compatibleUnits(unit).slice(0, 4);
  const shown = unit === "1" ? "" : ` ${unit}`;
  const example = `"${minimum}${shown}"`;
  const also = others.length > 0 ? ` (${others.join(", ")} are converted)` : "";
  return `Give a decimal number from ${minimum} to ${maximum}${shown}, such as ${example}${also}.`;
}

/** What was given, short enough for a message. */
export function quoted(given: unknown): string {
  if (typeof given === "number" || given === null || given === undefined) return String(given);
  const text = typeof given === "string" ? JSON.stringify(given) : `a value of type ${typeof given}`;
  return text.length > 80 ? `${text.slice(0, 77)}…"` : text;
}
