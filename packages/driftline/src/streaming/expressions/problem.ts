// Errors of expressions: what is wrong, the text, and a caret below the character.

import { nearestNames } from "@driftline/rootio";
import { type DriftlineError, fail } from "../../errors/registry.ts";

/** Characters `start` to `end - 1` of the text. */
export interface Span {
  start: number;
  end: number;
}

/** What an error is about: the text, and the option or field that it was given in. */
export interface Source {
  text: string;
  field: string | undefined;
}

/** Characters of a long text that are shown around the place. */
const shown = 100;

/** Makes the error `invalid_expression`. */
export function problem(source: Source, span: Span, what: string, remedy: string): DriftlineError {
  return fail("invalid_expression", `${what}\n${pointTo(source.text, span)}`, {
    field: source.field,
    remedy,
    data: { expression: source.text, start: span.start, end: span.end },
  });
}

function pointTo(text: string, { start, end }: Span): string {
  const lineStart = text.lastIndexOf("\n", start - 1) + 1;
  const nextLine = text.indexOf("\n", start);
  const lineEnd = nextLine < 0 ? text.length : nextLine;
  const from = Math.max(lineStart, start - shown / 2);
  const to = Math.min(lineEnd, from + shown);
  const before = from > lineStart ? "…" : "";
  const line = `${before}${text.slice(from, to).replaceAll("\t", " ")}${to < lineEnd ? "…" : ""}`;
  const width = Math.max(1, Math.min(end, to) - start);
  return `${line}\n${" ".repeat(before.length + start - from)}${"^".repeat(width)}`;
}

/** The names most like one that is not there. */
export function suggestion(name: string, names: Iterable<string>): string {
  // A name of one or two letters lies in most others, which makes it no nearer.
  const near = nearestNames(
    name,
    [...names].filter((known) => known.length > 2 || name.length <= 2),
    3,
  );
  return near.length > 0 ? `There is ${near.map((known) => `\`${known}\``).join(", ")}.` : "There are none.";
}
