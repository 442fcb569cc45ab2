// The syntax tree of an expression.

import type { Span } from "./problem.ts";

export type BinaryOperator = "+" | "-" | "*" | "/" | "%" | "**";
export type ComparisonOperator = "<" | "<=" | ">" | ">=" | "==" | "!=";

export type Syntax = Span &
  (
    | { is: "number"; value: number }
    | { is: "string"; value: string }
    | { is: "name"; name: string; quoted: boolean }
    | { is: "unary"; operator: "-" | "+" | "!"; operand: Syntax }
    | { is: "binary"; operator: BinaryOperator; left: Syntax; right: Syntax; at: Span }
    /** `&&` and `||`; `&` and `|` where both sides are true or false mean the same. */
    | { is: "logical"; operator: "&&" | "||"; left: Syntax; right: Syntax; at: Span; written: string }
    /** `a < b <= c` has three operands and two operators. */
    | { is: "comparison"; operands: Syntax[]; operators: (Span & { operator: ComparisonOperator })[] }
    | { is: "choice"; condition: Syntax; yes: Syntax; no: Syntax }
    | { is: "call"; name: string; nameSpan: Span; parameters: Syntax[] }
    | { is: "index"; target: Syntax; index: Syntax }
    | { is: "slice"; target: Syntax; from: Syntax | null; to: Syntax | null }
    | { is: "member"; target: Syntax; name: string; nameSpan: Span }
    | { is: "loop"; body: Syntax; clauses: Clause[] }
  );

/** `for i < j in Muon if …`: all combinations i < j of the items of a list. */
export interface Clause extends Span {
  variables: (Span & { name: string })[];
  source: Syntax;
  condition: Syntax | null;
}
