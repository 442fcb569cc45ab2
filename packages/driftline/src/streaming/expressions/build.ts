// The syntax tree checked against the columns: every part with its type, and what works it out.

import { buildLoop, type Context } from "./buildLoop.ts";
import { callFunction } from "./functions.ts";
import { load } from "./load.ts";
import { constantNode, type Node, shared } from "./node.ts";
import { binary, choice, compare, logical, needNumber, negative, not } from "./operations.ts";
import { problem, type Source, type Span, suggestion } from "./problem.ts";
import { resolve, type Scope, typeOf, vectorColumns } from "./scope.ts";
import { indexed, sliced } from "./selection.ts";
import { entriesSpace, type State } from "./state.ts";
import type { Syntax } from "./syntax.ts";
import { onlyList } from "./values.ts";
import { components } from "./vectors.ts";

/** Parts of an expression within one another; a chain of operators counts one a term. */
const maximalHeight = 600;
const constants: Record<string, number | boolean> = {
  pi: Math.PI,
  nan: Number.NaN,
  NaN: Number.NaN,
  inf: Number.POSITIVE_INFINITY,
  true: true,
  True: true,
  false: false,
  False: false,
};

export interface Built {
  node: Node;
  /** Columns that are read. */
  reads: string[];
  /** There is a loop, whose combinations may be many times the entries. */
  loops: boolean;
}

/** Checks names, types and lists. Throws `invalid_expression`. */
export function build(source: Source, tree: Syntax, scope: Scope): Built {
  const reads = new Set<string>();
  const known = new Map<string, Node>();
  let loops = false;
  let height = 0;

  /** Equal texts in one space are worked out once. */
  function once(key: string, make: () => Node): Node {
    const before = known.get(key);
    before?.reuse?.();
    const node = before ?? shared(make());
    known.set(key, node);
    return node;
  }

  function visit(syntax: Syntax, context: Context): Node {
    if (++height > maximalHeight)
      throw problem(
        source,
        syntax,
        `The expression has more than ${maximalHeight} parts within one another.`,
        "Divide it into several columns.",
      );
    const text = source.text.slice(syntax.start, syntax.end);
    const node =
      syntax.is === "number" || syntax.is === "string" || syntax.is === "name"
        ? check(syntax, context)
        : once(`${context.name} ${text}`, () => check(syntax, context));
    height--;
    return node;
  }

  function check(syntax: Syntax, context: Context): Node {
    const part = (inner: Syntax) => visit(inner, context);
    switch (syntax.is) {
      case "number":
      case "string":
        return constantNode(syntax, syntax.value);
      case "name":
        return named(syntax, context);
      case "unary": {
        const operand = part(syntax.operand);
        if (syntax.operator === "!") return not(source, syntax, operand);
        return syntax.operator === "-" ? negative(source, syntax, operand) : needNumber(source, operand, "+");
      }
      case "binary":
        return binary(source, syntax, syntax.at, syntax.operator, part(syntax.left), part(syntax.right));
      case "logical": {
        const at = { ...syntax.at, written: syntax.written };
        return logical(source, syntax, at, part(syntax.left), part(syntax.right), syntax.operator);
      }
      case "comparison": {
        const { operands, operators } = syntax;
        const compared = operators.map((at, i): Node => {
          const node = compare(source, at, at.operator, part(operands[i]), part(operands[i + 1]));
          return { ...node, span: syntax };
        });
        return compared.reduce((left, right, i) =>
          logical(source, syntax, { ...operators[i], written: "&&" }, left, right, "&&"),
        );
      }
      case "choice":
        return choice(source, syntax, part(syntax.condition), part(syntax.yes), part(syntax.no));
      case "call":
        return callFunction(source, syntax, syntax.nameSpan, syntax.name, syntax.parameters.map(part));
      case "index":
        return indexed(source, syntax, part(syntax.target), part(syntax.index));
      case "slice":
        return sliced(
          source,
          syntax,
          part(syntax.target),
          syntax.from && part(syntax.from),
          syntax.to && part(syntax.to),
        );
      case "member":
        return member(syntax, context);
      case "loop":
        loops = true;
        return buildLoop(source, scope, syntax, context, visit);
    }
  }

  function named(
    { name, quoted, start, end }: Extract<Syntax, { is: "name" }>,
    { variables }: Context,
  ): Node {
    const span = { start, end };
    const variable = quoted ? undefined : variables.get(name);
    if (variable !== undefined) return { ...variable, span };
    const path = resolve(name, scope);
    if (path !== null) {
      const type = typeOf(name, path, scope);
      if ("cannot" in type) {
        const vectors = collection(name, span);
        if (vectors !== null) return vectors;
        throw problem(
          source,
          span,
          `\`${name}\` ${type.cannot}.`,
          "Give a column of numbers, true and false, or strings.",
        );
      }
      reads.add(path.column);
      const { column, fields } = path;
      return {
        ...once(`column ${column}\0${fields.join("\0")}`, () => ({
          span,
          type,
          space: entriesSpace,
          run: ({ columns, from, to }) => load(columns[column], fields, from, to),
        })),
        span,
      };
    }
    if (!quoted && Object.hasOwn(constants, name)) return constantNode(span, constants[name]);
    const vectors = collection(name, span);
    if (vectors !== null) return vectors;
    throw problem(
      source,
      span,
      `There is no column \`${name}\`.`,
      suggestion(name, [...variables.keys(), ...scope.columns.keys()]),
    );
  }

  /** `Jet` for the four-vectors of Jet_pt, Jet_eta, Jet_phi and Jet_mass. */
  function collection(name: string, span: Span): Node | null {
    const columns = vectorColumns(name, scope);
    if (columns === null) return null;
    const outside: Context = { space: entriesSpace, name: "", variables: new Map() };
    const parts = [columns.pt, columns.eta, columns.phi, columns.mass].map((column) =>
      named({ is: "name", name: column, quoted: true, ...span }, outside),
    );
    const node = once(`collection ${name}`, () => callFunction(source, span, span, "p4", parts));
    const [pt] = parts;
    return {
      ...node,
      span,
      ...(pt.type.axes.length > 0 && { offsets: (state: State) => onlyList(pt.run(state)).offsets }),
    };
  }

  /** `Muon[i].charge` is `Muon_charge[i]`, where there is such a column; `(a + b).pt` is `pt(a + b)`. */
  function member(syntax: Extract<Syntax, { is: "member" }>, context: Context): Node {
    const { target, name, nameSpan } = syntax;
    const column = withField(target, name);
    if (column !== null)
      return visit(
        { ...column, start: syntax.start, end: syntax.end },
        { ...context, name: `${context.name}.${name}` },
      );
    if (Object.hasOwn(components, name) || name === "m" || name === "e")
      return callFunction(source, syntax, nameSpan, name, [visit(target, context)]);
    throw problem(
      source,
      nameSpan,
      `There is no \`${name}\` of \`${source.text.slice(target.start, target.end)}\`.`,
      `There is ${Object.keys(components).join(", ")}, and what has a column of its own, as Muon_charge for Muon[0].charge.`,
    );
  }

  function withField(target: Syntax, field: string): Syntax | null {
    if (target.is === "name") {
      const joint = ["_", "."].find((each) => resolve(`${target.name}${each}${field}`, scope) !== null);
      return joint === undefined ? null : { ...target, name: `${target.name}${joint}${field}`, quoted: true };
    }
    if (target.is !== "index" && target.is !== "slice") return null;
    const inner = withField(target.target, field);
    return inner && { ...target, target: inner };
  }

  const node = visit(tree, { space: entriesSpace, name: "", variables: new Map() });
  return { node, reads: [...reads], loops };
}
