// The text of an expression cut into tokens, each with its place in the text.

import { problem, type Source, type Span } from "./problem.ts";

export interface Token extends Span {
  kind: "number" | "string" | "name" | "function" | "symbol" | "end";
  /** The symbol, the name (without back-quotes), the function's name as written, the string's content. */
  text: string;
  value: number;
  /** Written in back-quotes: a column, never a keyword or constant. */
  quoted: boolean;
}

/** Longest text of an expression, in characters. */
export const maximalLength = 20_000;

const symbols = ["**", "&&", "||", "<=", ">=", "==", "!=", ..."+-*/%^<>!&|~?:,.()[]"];
const number = /(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y;
const namePart = /[\p{L}_][\p{L}\p{N}_$]*/uy;
const nameRun = /[\p{L}_][\p{L}\p{N}_$]*(?:(?:[./]|::)[\p{L}_][\p{L}\p{N}_$]*)*/uy;
const libraryFunction =
  /(?:(?:TMath|std|ROOT::VecOps|ROOT::Math)::|(?:np|ak|math)\.)?([\p{L}_][\p{L}\p{N}_$]*)\s*\(/uy;
const wordCharacter = /[\p{L}\p{N}_$]/u;

/**
 * Cuts the text. `isColumn` decides between a name with `/`, `.` or `::` in it and an operator: the longest run of
 * characters that is a column's name is that column.
 */
export function tokenize(source: Source, isColumn: (name: string) => boolean): Token[] {
  const { text } = source;
  if (text.length > maximalLength)
    throw problem(
      source,
      { start: maximalLength, end: maximalLength + 1 },
      `The expression has ${text.length} characters, ${maximalLength} are allowed.`,
      "Divide it into several columns.",
    );
  const tokens: Token[] = [];
  let at = 0;
  const add = (kind: Token["kind"], end: number, content: string, more: Partial<Token> = {}) => {
    tokens.push({ kind, start: at, end, text: content, value: Number.NaN, quoted: false, ...more });
    at = end;
  };
  for (;;) {
    while (/\s/.test(text[at] ?? "")) at++;
    if (at >= text.length) break;
    const character = text[at];
    const last = tokens.at(-1)?.text;
    if (
      /\d/.test(character) ||
      (character === "." && /\d/.test(text[at + 1] ?? "") && last !== "]" && last !== ")")
    ) {
      const digits = matchAt(number, text, at)!;
      let end = at + digits.length;
      if (wordCharacter.test(text[end] ?? "")) {
        while (wordCharacter.test(text[end] ?? "")) end++;
        const what = `\`${text.slice(at, end)}\` is not a number.`;
        throw problem(
          source,
          { start: at, end },
          what,
          "Write digits only, as in 30, 0.5 or 1e-3; a name starts with a letter.",
        );
      }
      add("number", end, digits, { value: Number(digits) });
    } else if (character === '"' || character === "'") {
      const { content, end } = quotedString(source, at);
      add("string", end, content);
    } else if (character === "`") {
      const end = text.indexOf("`", at + 1);
      if (end < 0)
        throw problem(
          source,
          { start: at, end: at + 1 },
          "The back-quote is not closed.",
          "Put ` behind the name, too.",
        );
      add("name", end + 1, text.slice(at + 1, end), { quoted: true });
    } else if (matchAt(namePart, text, at) !== null) {
      const function_ = functionAt(text, at);
      if (function_ !== null) add("function", at + function_.length, function_);
      else {
        const name = nameAt(text, at, isColumn);
        add("name", at + name.length, name);
      }
    } else {
      const symbol = symbols.find((candidate) => text.startsWith(candidate, at));
      if (symbol === undefined) {
        const hint =
          character === "="
            ? "Write == to compare; parameters by name (axis=1) are not known: lists are reduced at their innermost level."
            : "Names with such characters stand in back-quotes: `a b`.";
        throw problem(source, { start: at, end: at + 1 }, `\`${character}\` has no meaning here.`, hint);
      }
      add("symbol", at + symbol.length, symbol);
    }
  }
  add("end", at, "");
  return tokens;
}

function matchAt(pattern: RegExp, text: string, at: number): string | null {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? null;
}

/** `sqrt`, `TMath::Sqrt`, `np.sqrt` before an opening bracket; words of the language are none. */
function functionAt(text: string, at: number): string | null {
  libraryFunction.lastIndex = at;
  const match = libraryFunction.exec(text);
  if (match === null || ["and", "or", "not", "for", "in", "if"].includes(match[1])) return null;
  return match[0].slice(0, -1).trimEnd();
}

function nameAt(text: string, at: number, isColumn: (name: string) => boolean): string {
  const run = matchAt(nameRun, text, at)!;
  for (
    let end = run.length;
    end > 0;
    end = Math.max(...["/", ".", "::"].map((part) => run.lastIndexOf(part, end - 1)))
  ) {
    const name = run.slice(0, end);
    if (isColumn(name)) return name;
  }
  return run.split(/\/|::/)[0];
}

function quotedString(source: Source, at: number): { content: string; end: number } {
  const { text } = source;
  const quote = text[at];
  let content = "";
  for (let i = at + 1; i < text.length; i++) {
    if (text[i] === quote) return { content, end: i + 1 };
    if (text[i] === "\\" && (text[i + 1] === quote || text[i + 1] === "\\")) i++;
    content += text[i];
  }
  throw problem(
    source,
    { start: at, end: at + 1 },
    "The string is not closed.",
    `Put ${quote} behind it, too.`,
  );
}
