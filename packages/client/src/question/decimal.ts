// Exact decimal numbers: reads them from text, compares them, rounds them to a grid and writes them without loss.

/** The number digits × 10^exponent. */
export interface Decimal {
  digits: bigint;
  exponent: number;
}

/** A number of more digits, or an exponent beyond this, is refused: it is no measured value, and it costs memory. */
export const maxDigits = 100;
export const maxExponent = 100;

/** A decimal number at the start of a text; groups are sign, integer part, fraction, exponent. ASCII digits only. */
const numberAtStart = /^([+-]?)(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:[eE]([+-]?\d+))?/;

export interface ReadNumber {
  value: Decimal;
  /** What follows the number. */
  rest: string;
}

/** Reads the number that a text starts with; a text that starts with none, or with one beyond the limits, gives null. */
export function readNumber(text: string): ReadNumber | null {
  const match = numberAtStart.exec(text);
  if (!match) return null;
  const fraction = match[3] ?? match[4] ?? "";
  const digits = (match[2] ?? "") + fraction;
  const exponent = match[5] === undefined ? 0 : Number(match[5]);
  if (digits.length > maxDigits || Math.abs(exponent) > maxExponent) return null;
  const magnitude = BigInt(digits);
  return {
    value: { digits: match[1] === "-" ? -magnitude : magnitude, exponent: exponent - fraction.length },
    rest: text.slice(match[0].length),
  };
}

/** Reads a text that is a number and nothing else; null where it is not. */
export function parseDecimal(text: string): Decimal | null {
  const read = readNumber(text);
  return read?.rest === "" ? read.value : null;
}

/** Writes a plain decimal: no exponent, no trailing zeros, no plus sign, no -0. */
export function formatDecimal({ digits, exponent }: Decimal): string {
  if (digits === 0n) return "0";
  const sign = digits < 0n ? "-" : "";
  const magnitude = (digits < 0n ? -digits : digits).toString();
  if (exponent >= 0) return sign + magnitude + "0".repeat(exponent);
  const padded = magnitude.padStart(1 - exponent, "0");
  const point = padded.length + exponent;
  const fraction = padded.slice(point).replace(/0+$/, "");
  return sign + padded.slice(0, point) + (fraction === "" ? "" : `.${fraction}`);
}

/** Both as whole multiples of one power of ten. */
export function align(a: Decimal, b: Decimal): [a: bigint, b: bigint, exponent: number] {
  const exponent = Math.min(a.exponent, b.exponent);
  return [
    a.digits * 10n ** BigInt(a.exponent - exponent),
    b.digits * 10n ** BigInt(b.exponent - exponent),
    exponent,
  ];
}

/** Negative, zero or positive as a is below, equal to or above b. */
export function compare(a: Decimal, b: Decimal): number {
  const [left, right] = align(a, b);
  return left < right ? -1 : left > right ? 1 : 0;
}

export function add(a: Decimal, b: Decimal): Decimal {
  const [left, right, exponent] = align(a, b);
  return { digits: left + right, exponent };
}

export function negate({ digits, exponent }: Decimal): Decimal {
  return { digits: -digits, exponent };
}

/** True where a is a whole multiple of step. */
export function isMultiple(a: Decimal, step: Decimal): boolean {
  const [value, unit] = align(a, step);
  return value % unit === 0n;
}

/** numerator/denominator to the nearest whole number, halves to the even one; the denominator is positive. */
export function divideHalfEven(numerator: bigint, denominator: bigint): bigint {
  let quotient = numerator / denominator;
  const twice = 2n * (numerator - quotient * denominator);
  const excess = twice < 0n ? -twice : twice;
  if (excess > denominator || (excess === denominator && quotient % 2n !== 0n)) {
    quotient += numerator < 0n ? -1n : 1n;
  }
  return quotient;
}
