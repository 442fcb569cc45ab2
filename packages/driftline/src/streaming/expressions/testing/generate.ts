// Random expressions that fit their types, each as our text and as the text for NumPy and awkward (reference.py).

import { type Axis, choose, type GeneratedColumn, type Random } from "./randomColumns.ts";

interface Pair {
  ours: string;
  python: string;
}

export interface GeneratedExpression extends Pair {
  /** Uses functions whose last bits differ between implementations. */
  transcendental: boolean;
}

const exactFunctions = [
  ["abs", "np.abs"],
  ["sqrt", "np.sqrt"],
  ["floor", "np.floor"],
  ["ceil", "np.ceil"],
  ["trunc", "np.trunc"],
  ["round", "np.round"],
  ["sign", "np.sign"],
] as const;
const transcendentalFunctions = [
  "exp",
  "log",
  "log10",
  "log2",
  "sin",
  "cos",
  "tan",
  "arcsin",
  "arccos",
  "arctan",
  "sinh",
  "cosh",
  "tanh",
];
const reductions = [
  ["sum", "total"],
  ["mean", "mean"],
  ["min", "0 + least"],
  ["max", "0 + greatest"],
  ["argmin", "argleast"],
  ["argmax", "arggreatest"],
  ["count", "count"],
] as const;

/** What may stand within an axis: itself, and values that are repeated for its items. */
const around: Record<Axis, Axis[]> = {
  flat: ["flat"],
  A: ["A", "A", "flat"],
  B: ["B", "B", "flat"],
  outer: ["outer", "outer", "flat"],
  inner: ["inner", "inner", "outer", "flat"],
};

/** Within a loop: the columns that its indices reach, as one value a combination. */
interface Loop {
  leaves: Record<"number" | "bool", Pair[]>;
}

export function randomExpression(
  random: Random,
  columns: Record<string, GeneratedColumn>,
): GeneratedExpression {
  const pick = <T>(items: readonly T[]) => choose(random, items);
  const named = (axis: Axis, kind: "number" | "bool"): Pair[] =>
    Object.entries(columns)
      .filter(([, column]) => column.axis === axis && column.kind === kind)
      .map(([name]) => ({ ours: name, python: name }));

  function leaf(axis: Axis, kind: "number" | "bool", loop: Loop | null): Pair {
    if (axis === "flat" && loop !== null && random() < 0.8) return pick(loop.leaves[kind]);
    return pick(named(axis, kind));
  }

  function constant(): Pair {
    const value = pick([0, 1, 2, -1, 0.5, 10, 3.25, 1e-3]);
    return { ours: value < 0 ? `(${value})` : String(value), python: `C(${value})` };
  }

  /** Two operands of which one has the axis. */
  function operands(
    axis: Axis,
    depth: number,
    loop: Loop | null,
    kind: "number" | "bool" = "number",
  ): [Pair, Pair] {
    const main = value(axis, kind, depth - 1, loop);
    const other =
      kind === "number" && random() < 0.3 ? constant() : value(pick(around[axis]), kind, depth - 1, loop);
    return random() < 0.5 ? [main, other] : [other, main];
  }

  function value(axis: Axis, kind: "number" | "bool", depth: number, loop: Loop | null): Pair {
    if (depth <= 0 || random() < 0.1) return leaf(axis, kind, loop);
    return kind === "number" ? numberOf(axis, depth, loop) : boolOf(axis, depth, loop);
  }

  function numberOf(axis: Axis, depth: number, loop: Loop | null): Pair {
    const choice = random();
    if (choice < 0.4) {
      const operator = pick(["+", "-", "*", "/", "%"]);
      const [a, b] = operands(axis, depth, loop);
      return {
        ours: `(${a.ours} ${operator} ${b.ours})`,
        python:
          operator === "%" ? `np.mod(${a.python}, ${b.python})` : `(${a.python} ${operator} ${b.python})`,
      };
    }
    if (choice < 0.45) {
      const x = value(axis, "number", depth - 1, loop);
      return { ours: `-${x.ours}`, python: `(-${x.python})` };
    }
    if (choice < 0.5) {
      const x = value(axis, "number", depth - 1, loop);
      return {
        // A sign binds more loosely than **.
        ours: x.ours.startsWith("-") ? `((${x.ours}) ** 2)` : `(${x.ours} ** 2)`,
        python: `((${x.python}) * (${x.python}))`,
      };
    }
    if (choice < 0.6) {
      const [ours, python] = pick(exactFunctions);
      const x = value(axis, "number", depth - 1, loop);
      return { ours: `${ours}(${x.ours})`, python: `${python}(${x.python})` };
    }
    if (choice < 0.67) {
      const name = pick(["min", "max"]);
      const [a, b] = operands(axis, depth, loop);
      return {
        ours: `(${name}(${a.ours}, ${b.ours}) + 0)`,
        python: `(np.${name}imum(${a.python}, ${b.python}) + 0)`,
      };
    }
    if (choice < 0.75) {
      const c = value(axis, "bool", depth - 1, loop);
      const [a, b] = operands(axis, depth, loop);
      const ours =
        random() < 0.5 ? `(${c.ours} ? ${a.ours} : ${b.ours})` : `where(${c.ours}, ${a.ours}, ${b.ours})`;
      return { ours, python: `ak.where(${c.python}, ${a.python}, ${b.python})` };
    }
    if (axis === "flat" && loop === null) return flatNumber(depth);
    if (axis === "outer") {
      const [ours, python] = pick(reductions);
      const x = value("inner", "number", depth - 1, null);
      return {
        ours: ours === "min" || ours === "max" ? `(0 + ${ours}(${x.ours}))` : `${ours}(${x.ours})`,
        python: `(${python}(${x.python}))`,
      };
    }
    if ((axis === "A" || axis === "B") && choice < 0.9) {
      const x = value(axis, "number", depth - 1, null);
      const by = value(axis, "number", depth - 1, null);
      return random() < 0.5
        ? { ours: `sort(${x.ours}, ${by.ours})`, python: `order(${x.python}, ${by.python})` }
        : { ours: `sort(${x.ours})`, python: `order(${x.python}, ${x.python})` };
    }
    return leaf(axis, "number", loop);
  }

  function someList(depth: number, kind: "number" | "bool"): Pair {
    if (random() < 0.35) return loopOver(depth, kind);
    const axis = pick(["A", "B", "outer"] as const);
    const x = value(axis, kind, depth - 1, null);
    if (random() < 0.5) return x;
    const mask = value(axis, "bool", depth - 1, null);
    return { ours: `(${x.ours})[${mask.ours}]`, python: `(${x.python})[${mask.python}]` };
  }

  function flatNumber(depth: number): Pair {
    const x = someList(depth, "number");
    if (random() < 0.6) {
      const [ours, python] = pick(reductions);
      return {
        ours: ours === "min" || ours === "max" ? `(0 + ${ours}(${x.ours}))` : `${ours}(${x.ours})`,
        python: `(${python}(${x.python}))`,
      };
    }
    const index =
      random() < 0.7
        ? { ours: pick(["0", "1", "-1", "-2", "3"]), python: "" }
        : value("flat", "number", depth - 1, null);
    return { ours: `(${x.ours})[${index.ours}]`, python: `pick(${x.python}, ${index.python || index.ours})` };
  }

  function boolOf(axis: Axis, depth: number, loop: Loop | null): Pair {
    const choice = random();
    if (choice < 0.45) {
      const operator = pick(["<", "<=", ">", ">=", "==", "!="]);
      const [a, b] = operands(axis, depth, loop);
      return { ours: `(${a.ours} ${operator} ${b.ours})`, python: `(${a.python} ${operator} ${b.python})` };
    }
    if (choice < 0.55) {
      const x = value(axis, "number", depth - 1, loop);
      const [low, high] = [constant(), constant()];
      return {
        ours: `(${low.ours} < ${x.ours} <= ${high.ours})`,
        python: `((${low.python} < ${x.python}) & (${x.python} <= ${high.python}))`,
      };
    }
    if (choice < 0.75) {
      const [ours, python] = pick([
        ["&&", "&"],
        ["and", "&"],
        ["||", "|"],
        ["or", "|"],
        ["&", "&"],
        ["|", "|"],
      ] as const);
      const [a, b] = operands(axis, depth, loop, "bool");
      return { ours: `(${a.ours} ${ours} ${b.ours})`, python: `(${a.python} ${python} ${b.python})` };
    }
    if (choice < 0.82) {
      const x = value(axis, "bool", depth - 1, loop);
      return { ours: `${pick(["!", "~"])}${x.ours}`, python: `(~${x.python})` };
    }
    if (choice < 0.88) {
      const name = pick(["isnan", "isfinite"]);
      const x = value(axis, "number", depth - 1, loop);
      return { ours: `${name}(${x.ours})`, python: `np.${name}(${x.python})` };
    }
    if (axis === "flat" && loop === null) {
      const name = pick(["any", "all"]);
      const x = someList(depth, "bool");
      return { ours: `${name}(${x.ours})`, python: `ak.${name}(${x.python}, axis=-1)` };
    }
    return leaf(axis, "bool", loop);
  }

  function loopOver(depth: number, kind: "number" | "bool"): Pair {
    const [clause, python, reached] = pick([
      ["for i < j in A1", "pairs(A1)", { i: "A", j: "A" }],
      ["for i < j < k in B2", "triples(B2)", { i: "B", j: "B", k: "B" }],
      ["for i in A2 for j in B1", "products(A2, B1)", { i: "A", j: "B" }],
    ] as const);
    const leaves = (of: "number" | "bool") =>
      Object.entries(reached).flatMap(([index, axis], position) =>
        named(axis as Axis, of).map(({ ours }) => ({
          ours: `${ours}[${index}]`,
          python: `${ours}[${python}[${position}]]`,
        })),
      );
    const loop: Loop = { leaves: { number: leaves("number"), bool: leaves("bool") } };
    const body = value("flat", kind, depth - 1, loop);
    const like = `${python}[0]`;
    if (random() < 0.6)
      return { ours: `[${body.ours} ${clause}]`, python: `spread(${body.python}, ${like})` };
    const condition = value("flat", "bool", depth - 1, loop);
    return {
      ours: `[${body.ours} ${clause} if ${condition.ours}]`,
      python: `spread(${body.python}, ${like})[spread(${condition.python}, ${like})]`,
    };
  }

  const axis = pick(["flat", "flat", "flat", "A", "B", "outer", "inner"] as const);
  if (random() < 0.75) {
    const kind = random() < 0.6 ? "number" : "bool";
    const depth = 2 + Math.floor(random() * 3);
    const listed = axis === "A" && random() < 0.4;
    const pair = listed ? someList(depth, kind) : value(axis, kind, depth, null);
    return { ...pair, transcendental: false };
  }
  const x = value(axis, "number", 2, null);
  const y = value(pick(around[axis]), "number", 2, null);
  const choice = random();
  if (choice < 0.6) {
    const name = pick(transcendentalFunctions);
    return { ours: `${name}(${x.ours})`, python: `np.${name}(${x.python})`, transcendental: true };
  }
  if (choice < 0.8) {
    const [ours, python] = pick([
      ["atan2", "np.arctan2"],
      ["hypot", "np.hypot"],
      ["deltaPhi", "delta_phi"],
    ] as const);
    return {
      ours: `${ours}(${x.ours}, ${y.ours})`,
      python: `${python}(${x.python}, ${y.python})`,
      transcendental: true,
    };
  }
  return {
    ours: `(${x.ours}) ** (${y.ours})`,
    python: `np.power(${x.python}, ${y.python})`,
    transcendental: true,
  };
}
