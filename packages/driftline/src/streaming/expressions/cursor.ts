// The tokens of an expression one after another, for the parser.

import { problem, type Source, type Span } from "./problem.ts";
import { type Token, tokenize } from "./tokens.ts";

const maximalNesting = 100;
/** Words that are no names. */
export const words = ["and", "or", "not", "for", "in", "if"];

export function readTokens(source: Source, isColumn: (name: string) => boolean) {
  const tokens = tokenize(source, isColumn);
  let position = 0;
  let nesting = 0;

  const peek = () => tokens[position];
  const next = () => tokens[position++];
  const isWord = (token: Token, word: string) =>
    token.kind === "name" && !token.quoted && token.text === word;
  const is = (text: string) =>
    (peek().kind === "symbol" && peek().text === text) || (words.includes(text) && isWord(peek(), text));
  const accept = (text: string) => (is(text) ? next() : null);
  const refuse = (span: Span, what: string, remedy: string) => problem(source, span, what, remedy);
  const found = (token: Token) =>
    token.kind === "end" ? "the text ends" : `there is \`${source.text.slice(token.start, token.end)}\``;

  function close(symbol: string, open: Span): Token {
    const token = accept(symbol);
    if (token !== null) return token;
    if (peek().kind === "end")
      throw refuse(open, "This bracket is not closed.", `Put ${symbol} where it ends.`);
    throw refuse(
      peek(),
      `${symbol} or an operator was expected, ${found(peek())}.`,
      "Put an operator between two values, or close the bracket before.",
    );
  }

  function nested<T>(token: Span, work: () => T): T {
    if (++nesting > maximalNesting)
      throw refuse(
        token,
        `The expression is nested more than ${maximalNesting} levels deep.`,
        "Divide it into several columns.",
      );
    const result = work();
    nesting--;
    return result;
  }

  return { peek, next, isWord, is, accept, refuse, found, close, nested };
}
