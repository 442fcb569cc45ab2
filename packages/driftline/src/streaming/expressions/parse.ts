// Tokens to a syntax tree, by precedence; brackets may be nested to a limit.

import { readTokens, words } from "./cursor.ts";
import { arithmetic, comparisons, conditions, levels } from "./precedence.ts";
import type { Source, Span } from "./problem.ts";
import type { BinaryOperator, Clause, ComparisonOperator, Syntax } from "./syntax.ts";
import type { Token } from "./tokens.ts";

/** Parses a whole text. Throws `invalid_expression`. */
export function parse(source: Source, isColumn: (name: string) => boolean): Syntax {
  const cursor = readTokens(source, isColumn);
  const { peek, next, isWord, is, accept, refuse, found, close, nested } = cursor;
  const bracketed = new WeakSet<Syntax>();

  function expression(level: number): Syntax {
    let left = prefix(level);
    for (;;) {
      const operator = infix(peek());
      if (operator === null || operator.level < level) return left;
      left = operator.build(left);
    }
  }

  function prefix(level: number): Syntax {
    const token = peek();
    if (is("not")) {
      if (level > levels.not)
        throw refuse(
          token,
          "`not` binds more loosely than this operator.",
          "Put brackets around `not …`, or write !.",
        );
      next();
      return nested(token, () => {
        const operand = expression(levels.not);
        return { is: "unary", operator: "!", operand, start: token.start, end: operand.end };
      });
    }
    for (const symbol of ["-", "+", "!", "~"] as const)
      if (accept(symbol))
        return nested(token, () => {
          const operand = expression(levels.sign);
          return {
            is: "unary",
            operator: symbol === "~" ? "!" : symbol,
            operand,
            start: token.start,
            end: operand.end,
          };
        });
    return postfix(primary());
  }

  interface Infix {
    level: number;
    build(left: Syntax): Syntax;
  }

  function infix(token: Token): Infix | null {
    if (token.kind !== "symbol" && !isWord(token, "and") && !isWord(token, "or")) return null;
    const { text } = token;
    if (comparisons.includes(text)) return { level: levels.comparison, build: comparison };
    if (text in arithmetic) {
      const operator = text as BinaryOperator;
      const level = arithmetic[operator];
      // To the right of ** a sign is allowed, and it groups from the right.
      return { level, build: binary(operator, operator === "**" ? levels.sign : level + 1) };
    }
    if (text in conditions) {
      const [operator, level] = conditions[text as keyof typeof conditions];
      return { level, build: logical(operator, level + 1) };
    }
    if (text === "?") return { level: levels.choice, build: choice };
    if (text !== "^") return null;
    throw refuse(
      token,
      "`^` means a power in ROOT and an exclusive or in NumPy.",
      "Write ** for a power, != for an exclusive or of two conditions.",
    );
  }

  const binary =
    (operator: BinaryOperator, level: number) =>
    (left: Syntax): Syntax => {
      const at = next();
      const right = nested(at, () => expression(level));
      return { is: "binary", operator, left, right, at, start: left.start, end: right.end };
    };

  const logical =
    (operator: "&&" | "||", level: number) =>
    (left: Syntax): Syntax => {
      const at = next();
      const right = nested(at, () => expression(level));
      if (at.text === "&" || at.text === "|")
        for (const side of [left, right])
          if (side.is === "comparison" && !bracketed.has(side))
            throw refuse(
              side.operators[0],
              `In NumPy \`${at.text}\` binds more tightly than \`${side.operators[0].operator}\`, in C++ more loosely.`,
              `Put brackets around the comparison, or write ${at.text}${at.text}.`,
            );
      return {
        is: "logical",
        operator,
        left,
        right,
        at,
        written: at.text,
        start: left.start,
        end: right.end,
      };
    };

  function comparison(left: Syntax): Syntax {
    const operands = [left];
    const operators: (Span & { operator: ComparisonOperator })[] = [];
    while (peek().kind === "symbol" && comparisons.includes(peek().text)) {
      const { text, start, end } = next();
      operators.push({ operator: text as ComparisonOperator, start, end });
      operands.push(nested(operators[0], () => expression(levels.comparison + 1)));
      if (direction(text) !== direction(operators[0].operator) || (operators.length > 1 && text === "!="))
        throw refuse(
          { start, end },
          "These comparisons cannot be chained.",
          "Write && between two comparisons; chains are a < b <= c, a > b >= c and a == b == c.",
        );
    }
    return { is: "comparison", operands, operators, start: left.start, end: operands.at(-1)!.end };
  }

  function choice(condition: Syntax): Syntax {
    const question = next();
    return nested(question, () => {
      const yes = expression(levels.choice);
      if (!accept(":"))
        throw refuse(
          question,
          `\`?\` has no \`:\` (${found(peek())} in its place).`,
          "Write condition ? value : other value.",
        );
      const no = expression(levels.choice);
      return { is: "choice", condition, yes, no, start: condition.start, end: no.end };
    });
  }

  function primary(): Syntax {
    const token = next();
    const { start, end } = token;
    switch (token.kind) {
      case "number":
        return { is: "number", value: token.value, start, end };
      case "string":
        return { is: "string", value: token.text, start, end };
      case "function":
        return call(token);
      case "name":
        if (!token.quoted && words.includes(token.text))
          throw refuse(
            token,
            `A value was expected, there is the word \`${token.text}\`.`,
            "A column of that name stands in back-quotes.",
          );
        return { is: "name", name: token.text, quoted: token.quoted, start, end };
      case "symbol":
        if (token.text === "(" || token.text === "[") return nested(token, () => bracket(token));
    }
    throw refuse(
      token,
      `A value was expected, ${found(token)}.`,
      "Write a number, a column, a function or an opening bracket.",
    );
  }

  function bracket(open: Token): Syntax {
    const inner = expression(levels.choice);
    if (open.text === "(" && !is("for")) {
      const whole = { ...inner, start: open.start, end: close(")", open).end };
      bracketed.add(whole);
      return whole;
    }
    if (!is("for")) {
      if (is("]") || is(","))
        throw refuse(
          open,
          "Lists of single values are not known.",
          "Write [value for i in list], or compare with each value.",
        );
      throw close("]", open);
    }
    const loop = clauses(inner, open.start);
    const { end } = close(open.text === "(" ? ")" : "]", open);
    return { ...loop, end };
  }

  function clauses(body: Syntax, start: number): Syntax {
    const list: Clause[] = [];
    while (is("for")) {
      const keyword = next();
      const variables: Clause["variables"] = [];
      do {
        const variable = next();
        if (variable.kind !== "name" || variable.quoted || words.includes(variable.text))
          throw refuse(
            variable,
            `A name for the index was expected, ${found(variable)}.`,
            "Write for i in list, or for i < j in list.",
          );
        variables.push({ name: variable.text, start: variable.start, end: variable.end });
      } while (accept("<"));
      if (!accept("in"))
        throw refuse(
          peek(),
          `\`in\` was expected, ${found(peek())}.`,
          "Write for i in list, for i < j in list, for i in list for j in other.",
        );
      const source = expression(levels.or);
      const condition = accept("if") ? expression(levels.choice) : null;
      list.push({ variables, source, condition, start: keyword.start, end: (condition ?? source).end });
    }
    return { is: "loop", body, clauses: list, start, end: list.at(-1)!.end };
  }

  function call(name: Token): Syntax {
    const open = next();
    return nested(open, () => {
      const parameters: Syntax[] = [];
      if (!is(")"))
        do {
          const parameter = expression(levels.choice);
          parameters.push(is("for") ? clauses(parameter, parameter.start) : parameter);
        } while (accept(","));
      const { end } = close(")", open);
      return { is: "call", name: name.text, nameSpan: name, parameters, start: name.start, end };
    });
  }

  function postfix(value: Syntax): Syntax {
    let target = value;
    for (;;) {
      const { start } = target;
      const open = accept("[");
      if (open !== null) target = nested(open, () => index(target, open));
      else if (is(".")) {
        next();
        const name = next();
        if (name.kind !== "name")
          throw refuse(
            name,
            `A name was expected behind the point, ${found(name)}.`,
            "Write for example Muon[0].pt.",
          );
        target = { is: "member", target, name: name.text, nameSpan: name, start, end: name.end };
      } else return target;
    }
  }

  function index(target: Syntax, open: Token): Syntax {
    const { start } = target;
    const first = is(":") ? null : expression(levels.choice);
    if (first !== null && !is(":"))
      return { is: "index", target, index: first, start, end: close("]", open).end };
    next();
    const last = is("]") ? null : expression(levels.choice);
    return { is: "slice", target, from: first, to: last, start, end: close("]", open).end };
  }

  if (peek().kind === "end")
    throw refuse(peek(), "There is no expression.", "Write a column, or a calculation with columns.");
  const tree = expression(levels.choice);
  const rest = peek();
  if (rest.kind !== "end")
    throw refuse(
      rest,
      rest.text === ")" || rest.text === "]"
        ? `\`${rest.text}\` closes no bracket.`
        : `The expression is complete before \`${source.text.slice(rest.start, rest.end)}\`.`,
      "Put an operator between two values, or leave out what is too much.",
    );
  return tree;
}

function direction(operator: string): string {
  return operator === "!=" ? "!=" : operator[0];
}
