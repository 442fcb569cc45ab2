// The functions that an expression may call: how each is written, what it takes, and what it makes of it.

import * as kernels from "./kernels.ts";
import { applyOne, applyTest, applyTwo, ofOne, ofTwo, tests } from "./mathFunctions.ts";
import { constantNode, elementwise, type Node } from "./node.ts";
import { choice, needNumber, numberOperand, stringTest } from "./operations.ts";
import { problem, type Source, type Span, suggestion } from "./problem.ts";
import { reduced, reductionNames } from "./reductions.ts";
import { concatenated, indexed, needList, places, sorted } from "./selection.ts";
import { describe } from "./types.ts";
import { numbers } from "./values.ts";
import {
  addVectors,
  component,
  components,
  deltaPhi,
  deltaR,
  fromPtEtaPhiMass,
  type Vectors,
} from "./vectors.ts";

interface Call {
  source: Source;
  span: Span;
  name: string;
}

interface FunctionEntry {
  /** As the documentation writes it. */
  usage: string;
  /** Numbers of parameters that it takes. */
  parameters: number[];
  build(call: Call, parameters: Node[]): Node;
}

const functions = new Map<string, FunctionEntry>();

for (const name of Object.keys(ofOne))
  functions.set(name, {
    usage: `${name}(x)`,
    parameters: [1],
    build: ({ source, span }, [x]) => applyOne(source, span, name, x),
  });
for (const name of Object.keys(tests))
  functions.set(name, {
    usage: `${name}(x)`,
    parameters: [1],
    build: ({ source, span }, [x]) => applyTest(source, span, name, x),
  });
for (const name of Object.keys(ofTwo))
  functions.set(name, {
    usage: `${name}(x, y)`,
    parameters: [2],
    build: ({ source, span }, [x, y]) => applyTwo(source, span, name, x, y),
  });
for (const name of reductionNames)
  functions.set(name, {
    usage: `${name}(list)`,
    parameters: [1],
    build: ({ source, span }, [list]) => reduced(source, span, name, list),
  });
for (const name of ["min", "max"])
  functions.set(name, {
    usage: `${name}(list) or ${name}(x, y, …)`,
    parameters: [1, 2, 3, 4, 5, 6, 7, 8],
    build: ({ source, span }, [first, ...others]) =>
      others.length === 0
        ? reduced(source, span, name, first)
        : others.reduce((left, right) => applyTwo(source, span, name, left, right), first),
  });
for (const name of ["startswith", "endswith", "contains"] as const)
  functions.set(name, {
    usage: `${name}(text, "X")`,
    parameters: [2],
    build: ({ source, span }, parameters) => stringTest(source, span, name, parameters),
  });
for (const name of Object.keys(components) as (keyof typeof components)[])
  functions.set(name, {
    usage: `${name}(four-vector)`,
    parameters: [1],
    build: (call, [vector]) => componentOf(call, name, vector),
  });

const others: Record<string, FunctionEntry> = {
  where: {
    usage: "where(condition, value, other value)",
    parameters: [3],
    build: ({ source, span }, [condition, yes, no]) => choice(source, span, condition, yes, no),
  },
  pi: {
    usage: "TMath::Pi()",
    parameters: [0],
    build: ({ span }) => constantNode(span, Math.PI),
  },
  first: {
    usage: "first(list)",
    parameters: [1],
    build: ({ source, span }, [list]) =>
      indexed(source, span, needList(source, list, "first"), constantNode(span, 0)),
  },
  sort: {
    usage: "sort(list) or sort(list, by)",
    parameters: [1, 2],
    build: ({ source, span }, [list, by = list]) => {
      list.reuse?.();
      return sorted(source, span, needList(source, list, "sort"), key(source, by), false);
    },
  },
  argsort: {
    usage: "argsort(list)",
    parameters: [1],
    build: ({ source, span }, [list]) => {
      list.reuse?.();
      return sorted(source, span, key(source, list), list, true);
    },
  },
  position: {
    usage: "position(list)",
    parameters: [1],
    build: ({ source, span }, [list]) => places(source, span, list),
  },
  concat: {
    usage: "concat(list, other list, …)",
    parameters: [2, 3, 4, 5, 6, 7, 8],
    build: ({ source, span }, lists) => concatenated(source, span, lists),
  },
  p4: {
    usage: "p4(pt, eta, phi, mass)",
    parameters: [4],
    build: fourVector,
  },
  mass: {
    usage: "mass(four-vector), mass(one, other) or mass(pt1, eta1, phi1, mass1, pt2, eta2, phi2, mass2)",
    parameters: [1, 2, 8],
    build: (call, parameters) => {
      const { source, span } = call;
      if (parameters.length === 1) return componentOf(call, "mass", parameters[0]);
      const pair =
        parameters.length === 2
          ? parameters
          : [fourVector(call, parameters.slice(0, 4)), fourVector(call, parameters.slice(4))];
      for (const vector of pair) needVector(call, vector);
      const total = elementwise(source, span, pair, "vector", ([a, b], n) =>
        addVectors(a as Vectors, b as Vectors, n),
      );
      return componentOf(call, "mass", total);
    },
  },
  deltaphi: {
    usage: "deltaPhi(phi1, phi2) or deltaPhi(four-vector, other)",
    parameters: [2],
    build: (call, parameters) => {
      const { source, span } = call;
      const [a, b] = parameters.map((each) =>
        each.type.kind === "vector" ? componentOf(call, "phi", each) : each,
      );
      for (const side of [a, b]) needNumber(source, side, "deltaPhi");
      return elementwise(source, span, [a, b], "number", ([x, y], n) =>
        numbers(kernels.map2(deltaPhi, numberOperand(x), numberOperand(y), n)),
      );
    },
  },
  deltar: {
    usage: "deltaR(eta1, phi1, eta2, phi2) or deltaR(four-vector, other)",
    parameters: [2, 4],
    build: (call, parameters) => {
      const { source, span } = call;
      const angles =
        parameters.length === 4
          ? parameters
          : parameters.flatMap((vector) => {
              vector.reuse?.();
              return [componentOf(call, "eta", vector), componentOf(call, "phi", vector)];
            });
      for (const angle of angles) needNumber(source, angle, "deltaR");
      return elementwise(source, span, angles, "number", (leaves, n) =>
        numbers(deltaR(leaves.map(numberOperand), n)),
      );
    },
  },
  transversemass: {
    usage: "transverseMass(pt1, phi1, pt2, phi2)",
    parameters: [4],
    build: ({ source, span }, parameters) => {
      for (const each of parameters) needNumber(source, each, "transverseMass");
      return elementwise(source, span, parameters, "number", (leaves, n) => {
        const [pt1, phi1, pt2, phi2] = leaves.map(numberOperand);
        const out = new Float64Array(n);
        for (let i = 0; i < n; i++) {
          const opening = 1 - Math.cos(phi1.data[i & phi1.mask] - phi2.data[i & phi2.mask]);
          out[i] = Math.sqrt(2 * pt1.data[i & pt1.mask] * pt2.data[i & pt2.mask] * opening);
        }
        return numbers(out);
      });
    },
  },
};
for (const [name, entry] of Object.entries(others)) functions.set(name, entry);

/** Other ways to write them, in ROOT, NumPy and awkward. */
const aliases: Record<string, string> = {
  fabs: "abs",
  ln: "log",
  arcsin: "asin",
  arccos: "acos",
  arctan: "atan",
  arctan2: "atan2",
  arcsinh: "asinh",
  arccosh: "acosh",
  arctanh: "atanh",
  rint: "round",
  nint: "round",
  power: "pow",
  minimum: "min",
  maximum: "max",
  length: "len",
  size: "len",
  num: "len",
  localindex: "position",
  concatenate: "concat",
  invariantmass: "mass",
  mt: "transversemass",
  dr: "deltar",
  dphi: "deltaphi",
  e: "energy",
  m: "mass",
};

/** All names with their usage, for the documentation and its test. */
export const functionUsages: ReadonlyMap<string, string> = new Map(
  [...functions].map(([name, { usage }]) => [name, usage]),
);

/** Case, `_`, `$` and the library's prefix do not matter: `TMath::Abs`, `Sum$`, `delta_r`. */
function functionName(written: string): string {
  const plain = written
    .replace(/^.*(::|\.)/, "")
    .replace(/[_$]/g, "")
    .toLowerCase();
  return Object.hasOwn(aliases, plain) ? aliases[plain] : plain;
}

/** Throws `invalid_expression` where there is no such function or it takes other parameters. */
export function callFunction(
  source: Source,
  span: Span,
  nameSpan: Span,
  written: string,
  parameters: Node[],
): Node {
  const name = functionName(written);
  const entry = functions.get(name);
  if (entry === undefined)
    throw problem(
      source,
      nameSpan,
      `There is no function \`${written}\`.`,
      suggestion(name, functions.keys()),
    );
  if (!entry.parameters.includes(parameters.length)) {
    const given = parameters.length === 1 ? "one parameter" : `${parameters.length} parameters`;
    throw problem(source, span, `${written} does not take ${given}.`, `Write ${entry.usage}.`);
  }
  return entry.build({ source, span, name }, parameters);
}

function key(source: Source, by: Node): Node {
  needList(source, by, "An order");
  if (by.type.kind === "number") return by;
  throw problem(
    source,
    by.span,
    `An order is by numbers; this is ${describe(by.type)}.`,
    "Give the numbers to order by: sort(list, by).",
  );
}

function fourVector({ source, span }: Call, parameters: Node[]): Node {
  for (const each of parameters) needNumber(source, each, "p4");
  return elementwise(source, span, parameters, "vector", (leaves, n) => {
    const [pt, eta, phi, mass] = leaves.map(numberOperand);
    return fromPtEtaPhiMass(pt, eta, phi, mass, n);
  });
}

function needVector({ source, name }: Call, node: Node): void {
  if (node.type.kind === "vector") return;
  throw problem(
    source,
    node.span,
    `${name} needs a four-vector; this is ${describe(node.type)}.`,
    "Write p4(pt, eta, phi, mass), or the name of a collection that has these four, as Jet or Jet[0].",
  );
}

function componentOf(call: Call, name: keyof typeof components, vector: Node): Node {
  needVector(call, vector);
  return elementwise(call.source, call.span, [vector], "number", ([leaf], n) =>
    numbers(component(name, leaf as Vectors, n)),
  );
}
