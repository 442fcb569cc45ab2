// Values that nobody meant to send: texts of all kinds, numbers at the edges, deep and misnamed structures; and JSON that can hold them.

import fc from "fast-check";

/** JSON text that stands for itself: 1e400, -0, a number with more digits than a double has. */
export class Raw {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** JSON text of a value that may hold `Raw` at any depth. */
export function jsonText(value: unknown): string {
  const raws: string[] = [];
  const text = JSON.stringify(value, (_, each: unknown) =>
    each instanceof Raw ? `driftline-raw-${raws.push(each.text) - 1}` : each,
  );
  return text?.replace(/"driftline-raw-(\d+)"/g, (_, index: string) => raws[Number(index)]) ?? "";
}

/** Names that every JavaScript object has or that mean something to it. */
export const prototypeNames = [
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "prototype",
  "valueOf",
];

const oddTexts = [
  "",
  " ",
  "\0",
  "a\0b",
  ...prototypeNames,
  "null",
  "undefined",
  "[object Object]",
  "NaN",
  "Infinity",
  "-Infinity",
  "-0",
  "1e400",
  "1e-400",
  "0x10",
  "9".repeat(400),
  "1,5",
  "١٢",
  "½",
  "\ud800",
  "\udfff\ud800",
  "\u202egpj",
  "\ufeff",
  "a\u0301",
  "\u{1f4a5}",
  "\u{10ffff}",
  "../../../../etc/passwd",
  "..",
  ".",
  "/",
  "\\",
  "%00",
  "%2e%2e%2f",
  "%",
  "%zz",
  "' OR 1=1 --",
  "<script>alert(1)</script>",
  "\r\nX-Injected: 1",
  "\u2028",
  "--json",
  "-",
  "=",
  "a=b=c",
];

/** Any text: odd ones, characters of all planes, halves of surrogate pairs, long ones. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...oddTexts) },
  { weight: 2, arbitrary: fc.string({ maxLength: 20 }) },
  { weight: 2, arbitrary: fc.string({ unit: "binary", maxLength: 20 }) },
  {
    weight: 1,
    arbitrary: fc
      .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 10 })
      .map((units) => String.fromCharCode(...units)),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom("a", "é", "\u{1f4a5}", "9", " "), fc.constantFrom(201, 3_000, 70_000))
      .map(([character, times]) => character.repeat(times)),
  },
);

const anyNumber: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(0, -1, 0.5, 1e308, 2 ** 53, 2 ** 63, 5e-324),
  fc
    .constantFrom("-0", "1e400", "-1e400", "1e-400", "1.0", "12345678901234567890123")
    .map((text) => new Raw(text)),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
);

function nested(depth: number, open: string, close: string): Raw {
  return new Raw(`${open.repeat(depth)}1${close.repeat(depth)}`);
}

const anyDepth = fc
  .tuple(fc.constantFrom(10, 300, 5_000, 60_000), fc.constantFrom(["[", "]"], ['{"a":', "}"]))
  .map(([depth, [open, close]]) => nested(depth, open, close));

/** An object whose own members have names such as `__proto__`. */
const misnamed = fc
  .uniqueArray(fc.oneof(fc.constantFrom(...prototypeNames), anyText), { minLength: 1, maxLength: 3 })
  .chain((names) =>
    fc
      .array(fc.oneof(anyText, anyNumber, fc.constant({})), {
        minLength: names.length,
        maxLength: names.length,
      })
      .map((values) => Object.fromEntries(names.map((name, i) => [name, values[i]]))),
  );

/** Any JSON value, most of them of a type that was not asked for. */
export const anyValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: anyText },
  { weight: 3, arbitrary: anyNumber },
  { weight: 2, arbitrary: fc.constantFrom<unknown>(null, true, false, [], {}, [null], [[]], { a: {} }) },
  { weight: 1, arbitrary: misnamed },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  { weight: 1, arbitrary: anyDepth },
);

type Path = (string | number)[];

/** The value with one place changed: another value there, the member left out, or one more beside it. */
export function spoiled(value: unknown): fc.Arbitrary<unknown> {
  const paths = pathsIn(value);
  return fc.oneof(
    {
      weight: 4,
      arbitrary: fc
        .tuple(fc.constantFrom(...paths), anyValue)
        .map(([path, put]) => changed(value, path, () => put)),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(...paths).map((path) => changed(value, path, () => undefined)),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.constantFrom(...paths), anyText, anyValue)
        .map(([path, name, put]) =>
          changed(value, path, (at) =>
            isPlain(at) ? Object.fromEntries([...Object.entries(at), [name, put]]) : [at, put],
          ),
        ),
    },
  );
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Raw);
}

function pathsIn(value: unknown, at: Path = []): Path[] {
  if (Array.isArray(value)) return [at, ...value.flatMap((each, i) => pathsIn(each, [...at, i]))];
  if (!isPlain(value)) return [at];
  return [at, ...Object.entries(value).flatMap(([name, each]) => pathsIn(each, [...at, name]))];
}

function changed(value: unknown, [first, ...rest]: Path, change: (at: unknown) => unknown): unknown {
  if (first === undefined) return change(value);
  if (Array.isArray(value)) return value.map((each, i) => (i === first ? changed(each, rest, change) : each));
  return Object.fromEntries(
    Object.entries(value as object).map(([name, each]) => [
      name,
      name === first ? changed(each, rest, change) : each,
    ]),
  );
}
