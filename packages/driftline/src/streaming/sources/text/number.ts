// Decimal numbers from bytes, correctly rounded as strtod does, without making a string of the common ones.

/** 10^0 to 10^22 are exact in float64. */
const powers = Array.from({ length: 23 }, (_, i) => 10 ** i);
const exact = 2 ** 53;

/** What `parseNumber` gives where the bytes are no number: a NaN would be one. */
export const noNumber = Symbol("no number");
const words: Record<string, number> = {
  nan: Number.NaN,
  inf: Number.POSITIVE_INFINITY,
  infinity: Number.POSITIVE_INFINITY,
};

/**
 * The number that bytes [from, to) spell: decimal with or without point and exponent, inf, infinity, nan (also with a
 * sign, in any case); blanks around it count for nothing.
 *
 * Whole numbers below 2^53 and powers of ten to 22 are exact in float64, so one multiplication or division rounds once
 * (Clinger, "How to read floating point numbers accurately", 1990); the rest goes through the engine's own parser,
 * which is correctly rounded by ECMAScript's definition.
 */
export function parseNumber(bytes: Uint8Array, from: number, to: number): number | typeof noNumber {
  while (from < to && isBlank(bytes[from])) from++;
  while (from < to && isBlank(bytes[to - 1])) to--;
  let at = from;
  const sign = bytes[at];
  if (sign === 0x2d || sign === 0x2b) at++;
  let digits = 0;
  let mantissa = 0;
  let scale = 0;
  let byte = 0;
  for (; at < to; at++) {
    byte = bytes[at] - 0x30;
    if (byte < 0 || byte > 9) break;
    mantissa = 10 * mantissa + byte;
    digits++;
  }
  if (at < to && bytes[at] === 0x2e) {
    const point = ++at;
    for (; at < to; at++) {
      byte = bytes[at] - 0x30;
      if (byte < 0 || byte > 9) break;
      mantissa = 10 * mantissa + byte;
    }
    scale = point - at;
    digits += at - point;
  }
  if (digits === 0) return word(bytes, from, to);
  if (at < to && (bytes[at] | 0x20) === 0x65) {
    at++;
    const down = bytes[at] === 0x2d;
    if (down || bytes[at] === 0x2b) at++;
    if (at === to) return noNumber;
    let exponent = 0;
    for (; at < to; at++) {
      byte = bytes[at] - 0x30;
      if (byte < 0 || byte > 9) return noNumber;
      if (exponent < 100_000) exponent = 10 * exponent + byte;
    }
    scale += down ? -exponent : exponent;
  }
  if (at !== to) return noNumber;
  if (mantissa < exact && scale >= -22 && scale <= 22) {
    const value = scale < 0 ? mantissa / powers[-scale] : mantissa * powers[scale];
    return sign === 0x2d ? -value : value;
  }
  // The text is known to be decimal: nothing else that Number() reads gets here.
  return Number(Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString("latin1"));
}

function word(bytes: Uint8Array, from: number, to: number): number | typeof noNumber {
  if (to - from < 3 || to - from > 9) return noNumber;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from)
    .toString("latin1")
    .toLowerCase();
  const unsigned = /^[+-]/.test(text) ? text.slice(1) : text;
  const value = words[unsigned];
  if (value === undefined) return noNumber;
  return text.startsWith("-") ? -value : value;
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x09;
}

/** Texts that stand for a missing value, beside the empty one. */
const missing = new Set(["na", "n/a", "null", "none"]);

/** Whether the bytes are blank, or say that there is no value. */
export function isMissing(bytes: Uint8Array, from: number, to: number): boolean {
  while (from < to && isBlank(bytes[from])) from++;
  while (from < to && isBlank(bytes[to - 1])) to--;
  if (from === to) return true;
  if (to - from > 4) return false;
  return missing.has(
    Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from)
      .toString("latin1")
      .toLowerCase(),
  );
}
