// Operators on checked parts: arithmetic, comparisons, conditions.

import * as kernels from "./kernels.ts";
import { elementwise, type Node } from "./node.ts";
import { problem, type Source, type Span } from "./problem.ts";
import { contains, endsWith, equalStrings, type Strings, startsWith } from "./strings.ts";
import type { BinaryOperator, ComparisonOperator } from "./syntax.ts";
import { describe } from "./types.ts";
import { type Flags, flags, type Leaf, type Numbers, numbers } from "./values.ts";
import { addVectors, type Vectors } from "./vectors.ts";

export function numberOperand(leaf: Leaf): kernels.Operand<Numbers> {
  if (leaf.kind === "bool") return kernels.toNumbers(flagOperand(leaf));
  if (leaf.kind !== "number") throw new TypeError(`numbers were expected, not ${leaf.kind}`);
  return { data: leaf.data, mask: leaf.constant ? 0 : -1 };
}

export function flagOperand(leaf: Leaf): kernels.Operand<Flags> {
  if (leaf.kind !== "bool") throw new TypeError(`flags were expected, not ${leaf.kind}`);
  return { data: leaf.data, mask: leaf.constant ? 0 : -1 };
}

/** Numbers, or true and false as 1 and 0. */
export function needNumber(source: Source, node: Node, by: string): Node {
  if (node.type.kind === "number" || node.type.kind === "bool") return node;
  const remedy =
    node.type.kind === "vector"
      ? "Take a component of the four-vector: pt(…), eta(…), phi(…), mass(…)."
      : "Strings are compared with ==, != and startswith(…).";
  throw problem(source, node.span, `${by} works with numbers; this is ${describe(node.type)}.`, remedy);
}

export function needBool(source: Source, node: Node, by: string): Node {
  if (node.type.kind === "bool") return node;
  const remedy =
    node.type.kind === "number"
      ? `Write what makes it true, as ${textOf(source, node)} > 0 or ${textOf(source, node)} != 0.`
      : "Write a comparison.";
  throw problem(
    source,
    node.span,
    `${by} works with true and false; this is ${describe(node.type)}.`,
    remedy,
  );
}

export function textOf(source: Source, { span }: Node): string {
  const text = source.text.slice(span.start, span.end);
  return text.length <= 30 && /^[\w.()[\]/]*$/.test(text) ? text : "(…)";
}

export function negative(source: Source, span: Span, operand: Node): Node {
  needNumber(source, operand, "-");
  return elementwise(source, span, [operand], "number", ([leaf], n) =>
    numbers(kernels.negate(numberOperand(leaf), n)),
  );
}

export function not(source: Source, span: Span, operand: Node): Node {
  needBool(source, operand, "! (not)");
  return elementwise(source, span, [operand], "bool", ([leaf], n) =>
    flags(kernels.not(flagOperand(leaf), n)),
  );
}

export function binary(
  source: Source,
  span: Span,
  at: Span,
  operator: BinaryOperator,
  left: Node,
  right: Node,
): Node {
  if (operator === "+" && left.type.kind === "vector" && right.type.kind === "vector")
    return elementwise(source, at, [left, right], "vector", ([a, b], n) =>
      addVectors(a as Vectors, b as Vectors, n),
    );
  for (const side of [left, right]) needNumber(source, side, operator);
  const node = elementwise(source, at, [left, right], "number", ([a, b], n) =>
    numbers(kernels.arithmetic(operator, numberOperand(a), numberOperand(b), n)),
  );
  return { ...node, span };
}

export function logical(
  source: Source,
  span: Span,
  at: Span & { written: string },
  left: Node,
  right: Node,
  operator: "&&" | "||",
): Node {
  for (const side of [left, right])
    if ((at.written === "&" || at.written === "|") && side.type.kind === "number")
      throw problem(
        source,
        side.span,
        `${at.written} works with true and false; this is ${describe(side.type)}.`,
        at.written === "&"
          ? "For bits of an integer write bitand(value, mask) != 0; for a condition write a comparison."
          : "Write a comparison.",
      );
    else needBool(source, side, at.written);
  const kernel = operator === "&&" ? kernels.and : kernels.or;
  const node = elementwise(source, at, [left, right], "bool", ([a, b], n) =>
    flags(kernel(flagOperand(a), flagOperand(b), n)),
  );
  return { ...node, span };
}

export function compare(
  source: Source,
  at: Span,
  operator: ComparisonOperator,
  left: Node,
  right: Node,
): Node {
  const kinds = [left.type.kind, right.type.kind];
  const equality = operator === "==" || operator === "!=";
  if (kinds[0] === "string" && kinds[1] === "string") {
    if (!equality)
      throw problem(
        source,
        at,
        `Strings are not ordered by ${operator}.`,
        "Compare them with ==, != or startswith(…).",
      );
    return elementwise(source, at, [left, right], "bool", ([a, b], n) => {
      const equal = equalStrings(a as Strings, b as Strings, n);
      return flags(operator === "==" ? equal : kernels.not({ data: equal, mask: -1 }, n));
    });
  }
  if (kinds.includes("string")) {
    const [text, other] = kinds[0] === "string" ? [left, right] : [right, left];
    throw problem(
      source,
      at,
      `\`${textOf(source, text)}\` is ${describe(text.type)}, \`${textOf(source, other)}\` is ${describe(other.type)}: they cannot be compared.`,
      'A string stands in quotes, as in FlareClass == "X2.2".',
    );
  }
  for (const side of [left, right]) {
    needNumber(source, side, operator);
    if (!equality && side.type.kind === "bool")
      throw problem(
        source,
        side.span,
        `${operator} compares numbers; this is ${describe(side.type)}.`,
        "Use it as a condition by itself, or put brackets around what it was meant to be.",
      );
  }
  return elementwise(source, at, [left, right], "bool", ([a, b], n) =>
    flags(kernels.comparison(operator, numberOperand(a), numberOperand(b), n)),
  );
}

export function choice(source: Source, span: Span, condition: Node, yes: Node, no: Node): Node {
  needBool(source, condition, "A choice");
  for (const side of [yes, no]) needNumber(source, side, "A choice");
  if (yes.type.kind === "bool" && no.type.kind === "bool")
    return elementwise(source, span, [condition, yes, no], "bool", ([c, a, b], n) =>
      flags(kernels.chooseFlags(flagOperand(c), flagOperand(a), flagOperand(b), n)),
    );
  return elementwise(source, span, [condition, yes, no], "number", ([c, a, b], n) =>
    numbers(kernels.chooseNumbers(flagOperand(c), numberOperand(a), numberOperand(b), n)),
  );
}

const stringTests = { startswith: startsWith, endswith: endsWith, contains };

export function stringTest(
  source: Source,
  span: Span,
  name: keyof typeof stringTests,
  [text, part]: Node[],
): Node {
  for (const node of [text, part])
    if (node.type.kind !== "string")
      throw problem(
        source,
        node.span,
        `${name} works with strings; this is ${describe(node.type)}.`,
        `Write ${name}(column, "X").`,
      );
  return elementwise(source, span, [text, part], "bool", ([a, b], n) =>
    flags(stringTests[name](a as Strings, b as Strings, n)),
  );
}
