// Units of measurement: reads expressions such as "um/sqrt(cm)" and gives the exact factor between two of them.

/** A unit as dimensions and a scale; the scale is kept squared so that square roots stay rational. */
interface Unit {
  /** Dimension symbol to twice its exponent. */
  dimensions: Map<string, number>;
  /** Square of the size in base units. */
  square: Ratio;
}

export interface Ratio {
  numerator: bigint;
  denominator: bigint;
}

/** Symbol: size in base units (a decimal, or numerator/denominator) and base units with their exponents. */
const symbols: Record<string, [size: string, dimensions: string]> = {
  "1": ["1", ""],
  "%": ["1e-2", ""],
  ppm: ["1e-6", ""],
  m: ["1", "m1"],
  g: ["1e-3", "kg1"],
  s: ["1", "s1"],
  min: ["60", "s1"],
  h: ["3600", "s1"],
  A: ["1", "A1"],
  K: ["1", "K1"],
  Hz: ["1", "s-1"],
  N: ["1", "kg1 m1 s-2"],
  J: ["1", "kg1 m2 s-2"],
  W: ["1", "kg1 m2 s-3"],
  C: ["1", "A1 s1"],
  V: ["1", "kg1 m2 s-3 A-1"],
  F: ["1", "kg-1 m-2 s4 A2"],
  Ohm: ["1", "kg1 m2 s-3 A-2"],
  T: ["1", "kg1 s-2 A-1"],
  G: ["1e-4", "kg1 s-2 A-1"],
  Pa: ["1", "kg1 m-1 s-2"],
  bar: ["1e5", "kg1 m-1 s-2"],
  atm: ["101325", "kg1 m-1 s-2"],
  Torr: ["101325/760", "kg1 m-1 s-2"],
  // The elementary charge and the speed of light are exact by the definition of the SI (2019).
  eV: ["1.602176634e-19", "kg1 m2 s-2"],
  c: ["299792458", "m1 s-1"],
  // Degrees and radians differ by an irrational factor, so that each is a dimension of its own.
  deg: ["1", "deg1"],
  rad: ["1", "rad1"],
  ADC: ["1", "ADC1"],
  bin: ["1", "bin1"],
  pad: ["1", "pad1"],
  electron: ["1", "electron1"],
};

const prefixes: Record<string, number> = {
  f: -15,
  p: -12,
  n: -9,
  u: -6,
  m: -3,
  c: -2,
  h: 2,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
};

/** Symbols that take a prefix. */
const prefixed = new Set("m g s A K Hz N J W C V F Ohm T G Pa bar eV rad".split(" "));

/** Units that people write for a quantity of the same kind, for the remedy of a wrong unit. */
const alternatives =
  "um mm cm m ns us ms s Hz kHz MHz V kV mT T G kG Pa hPa mbar bar eV keV MeV GeV fC pC K % 1"
    .split(" ")
    .map((symbol) => ({ symbol, unit: symbolUnit(symbol)! }));

const maxLength = 64;

/**
 * The exact factor f with `1 given = f declared`; null where `given` is no unit, measures something else, or differs by
 * an irrational factor (as um/sqrt(mm) and um/sqrt(cm) do). Micro is `u`, `µ` (U+00B5) or `μ` (U+03BC).
 */
export function conversionFactor(given: string, declared: string): Ratio | null {
  const from = parseUnit(given);
  const to = parseUnit(declared);
  if (!from || !to || !sameDimensions(from, to)) return null;
  return squareRoot({
    numerator: from.square.numerator * to.square.denominator,
    denominator: from.square.denominator * to.square.numerator,
  });
}

export function isUnit(text: string): boolean {
  return parseUnit(text) !== null;
}

/** Says what is wrong with a unit that `conversionFactor` does not convert. */
export function unitProblem(given: string, declared: string): string {
  const from = parseUnit(given);
  const to = parseUnit(declared);
  if (!from || !to) return "is not a known unit";
  return sameDimensions(from, to)
    ? `differs from ${declared} by an irrational factor, which has no exact conversion`
    : `does not measure the same quantity as ${declared}`;
}

/** Some other units for the same quantity: the declared unit with its first symbol changed. */
export function compatibleUnits(declared: string): string[] {
  const first = /[A-Za-z]+(?!\()|[1%]/.exec(declared);
  const unit = first && symbolUnit(first[0]);
  if (!first || !unit) return [];
  return alternatives
    .filter(({ symbol, unit: other }) => symbol !== first[0] && sameDimensions(unit, other))
    .map(
      ({ symbol }) => declared.slice(0, first.index) + symbol + declared.slice(first.index + first[0].length),
    )
    .filter((text) => conversionFactor(text, declared) !== null);
}

/** unit = factor { ("*" | "/") factor }; factor = "(" unit ")" | "sqrt(" unit ")" | symbol [ "^" [ "-" ] digit ]. */
function parseUnit(text: string): Unit | null {
  if (text.length > maxLength) return null;
  const tokens = text.match(/[A-Za-zµμ]+|\^ *-? *[0-9](?![0-9])|[^ ]/g) ?? [];
  let next = 0;

  function product(): Unit | null {
    let unit = factor();
    while (unit && (tokens[next] === "*" || tokens[next] === "/")) {
      const sign = tokens[next++] === "*" ? 1 : -1;
      const other = factor();
      unit = other && multiply(unit, power(other, sign));
    }
    return unit;
  }

  function factor(): Unit | null {
    const token = tokens[next++];
    if (token === "(" || (token === "sqrt" && tokens[next++] === "(")) {
      const inner = product();
      if (tokens[next++] !== ")") return null;
      return inner && token === "sqrt" ? root(inner) : inner;
    }
    const unit = token === undefined ? null : symbolUnit(token.replace(/[µμ]/, "u"));
    const hasExponent = next < tokens.length && /^\^.*[0-9]/.test(tokens[next]);
    if (!unit || !hasExponent) return unit;
    return power(unit, Number(tokens[next++].slice(1).replaceAll(" ", "")));
  }

  const unit = product();
  return next === tokens.length ? unit : null;
}

function symbolUnit(symbol: string): Unit | null {
  const plain = sized(symbol, 0);
  if (plain) return plain;
  const exponent = Object.hasOwn(prefixes, symbol[0]) ? prefixes[symbol[0]] : null;
  return exponent !== null && prefixed.has(symbol.slice(1)) ? sized(symbol.slice(1), exponent) : null;
}

function sized(symbol: string, exponent: number): Unit | null {
  if (!Object.hasOwn(symbols, symbol)) return null;
  const [size, dimensions] = symbols[symbol];
  const [over, under = "1"] = size.split("/");
  const [mantissa, ten = "0"] = over.split("e");
  const [whole, fraction = ""] = mantissa.split(".");
  const shift = Number(ten) - fraction.length + exponent;
  const numerator = BigInt(whole + fraction) * 10n ** BigInt(Math.max(0, shift));
  const denominator = BigInt(under) * 10n ** BigInt(Math.max(0, -shift));
  return {
    dimensions: new Map(
      [...dimensions.matchAll(/([A-Za-z]+)(-?\d)/g)].map(([, name, twice]) => [name, 2 * Number(twice)]),
    ),
    square: { numerator: numerator ** 2n, denominator: denominator ** 2n },
  };
}

function multiply(a: Unit, b: Unit): Unit {
  const dimensions = new Map(a.dimensions);
  for (const [name, twice] of b.dimensions) dimensions.set(name, (dimensions.get(name) ?? 0) + twice);
  return {
    dimensions,
    square: {
      numerator: a.square.numerator * b.square.numerator,
      denominator: a.square.denominator * b.square.denominator,
    },
  };
}

function power({ dimensions, square }: Unit, exponent: number): Unit {
  const size = BigInt(Math.abs(exponent));
  const [over, under] = [square.numerator ** size, square.denominator ** size];
  return {
    dimensions: new Map([...dimensions].map(([name, twice]) => [name, twice * exponent])),
    square: exponent < 0 ? { numerator: under, denominator: over } : { numerator: over, denominator: under },
  };
}

/** Null for a root of a root: no quantity has a unit with fourth roots. */
function root({ dimensions, square }: Unit): Unit | null {
  const size = squareRoot(square);
  if (!size || [...dimensions.values()].some((twice) => twice % 2 !== 0)) return null;
  return { dimensions: new Map([...dimensions].map(([name, twice]) => [name, twice / 2])), square: size };
}

function sameDimensions(a: Unit, b: Unit): boolean {
  const names = new Set([...a.dimensions.keys(), ...b.dimensions.keys()]);
  return [...names].every((name) => (a.dimensions.get(name) ?? 0) === (b.dimensions.get(name) ?? 0));
}

/** The square root in lowest terms, or null where it is irrational. */
function squareRoot({ numerator, denominator }: Ratio): Ratio | null {
  const divisor = greatestDivisor(numerator, denominator);
  const over = wholeRoot(numerator / divisor);
  const under = wholeRoot(denominator / divisor);
  return over === null || under === null ? null : { numerator: over, denominator: under };
}

/** Newton's method on whole numbers; null where the root is not whole. */
function wholeRoot(square: bigint): bigint | null {
  let root = 1n << BigInt((square.toString(2).length + 1) >> 1);
  while (root * root > square) root = (root + square / root) >> 1n;
  return root * root === square ? root : null;
}

function greatestDivisor(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b];
  return a;
}
