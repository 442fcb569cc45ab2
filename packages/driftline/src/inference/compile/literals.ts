// Numbers and tables as C text, exact to the bit.

/** A float32 as a hexadecimal literal of C99, such as 0x1.8p+1f. */
export function floatLiteral(value: number): string {
  const x = Math.fround(value);
  if (Number.isNaN(x)) return "NAN";
  if (!Number.isFinite(x)) return x > 0 ? "INFINITY" : "-INFINITY";
  if (x === 0) return Object.is(x, -0) ? "-0.0f" : "0.0f";
  // Small whole numbers and the like read better in decimal, and are exact there too.
  if (Math.abs(x) < 1e6 && Number.isInteger(x * 8)) {
    const text = String(x);
    return text.includes(".") ? `${text}f` : `${text}.0f`;
  }
  const bits = new Uint32Array(Float32Array.of(x).buffer)[0];
  const sign = bits >>> 31 === 1 ? "-" : "";
  const exponent = (bits >>> 23) & 0xff;
  const fraction = bits & 0x7fffff;
  const digits = (fraction * 2).toString(16).padStart(6, "0").replace(/0+$/, "");
  const point = digits === "" ? "" : `.${digits}`;
  return exponent === 0 ? `${sign}0x0${point}p-126f` : `${sign}0x1${point}p${exponent - 127}f`;
}

/** Constant tables, each written once however often it is used. */
export class Tables {
  readonly #names = new Map<string, string>();
  readonly #lines: string[] = [];

  /** The name of a table with these numbers. */
  nameOf(data: ArrayLike<number>): string {
    const literals = Array.from(data, floatLiteral);
    const key = literals.join();
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    const name = `w${this.#names.size}`;
    this.#names.set(key, name);
    this.#lines.push(
      `static const float ${name}[${literals.length}] ALIGNED = {`,
      ...wrapped(literals),
      "};",
    );
    return name;
  }

  get text(): string {
    return this.#lines.join("\n");
  }
}

function wrapped(words: string[]): string[] {
  const lines: string[] = [];
  let line = " ";
  for (const word of words) {
    if (line.length + word.length > 118) {
      lines.push(line);
      line = " ";
    }
    line += ` ${word},`;
  }
  lines.push(line);
  return lines;
}

/** A C string literal. */
export function stringLiteral(text: string): string {
  const bytes = [...new TextEncoder().encode(text)];
  // Octal escapes end after three digits, so that nothing that follows is taken in.
  return `"${bytes
    .map((byte) =>
      byte >= 32 && byte < 127 && byte !== 34 && byte !== 92 && byte !== 63
        ? String.fromCharCode(byte)
        : `\\${byte.toString(8).padStart(3, "0")}`,
    )
    .join("")}"`;
}
