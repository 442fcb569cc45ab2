// From a graph to loops: goes through the nodes in order, computes what is known, and collects statements for the rest.

import { fail } from "../../errors/registry.ts";
import { arithmetic } from "./operators/arithmetic.ts";
import { joins } from "./operators/joins.ts";
import { known } from "./operators/known.ts";
import { moves } from "./operators/moves.ts";
import type { Operator } from "./operators/operator.ts";
import { products } from "./operators/products.ts";
import { reductions } from "./operators/reductions.ts";
import {
  elements,
  type Program,
  type RowStorage,
  rowMajor,
  type Statement,
  unsupported,
  type Value,
} from "./program.ts";
import type { OnnxGraph, OnnxValue } from "./readOnnx.ts";
import { argument, type Lowering, tensorValue } from "./values.ts";

/** By the operator's name in ONNX. */
export const operators: Record<string, Operator> = {
  ...arithmetic,
  ...joins,
  ...known,
  ...moves,
  ...products,
  ...reductions,
};

/**
 * Lowers a generator's graph: one input of features [batch, n], perhaps one named `latent` [batch, m], one output
 * [batch, …], all float32. Throws `unsupported_operator` naming the first node that is not covered, `invalid_bundle`
 * where inputs and outputs are others.
 */
export function lower(graph: OnnxGraph, source = "model.onnx"): Program {
  const latent = graph.inputs.find((input) => input.name === "latent");
  const [features, ...others] = graph.inputs.filter((input) => input !== latent);
  const [output] = graph.outputs;
  if (features === undefined || others.length > 0 || graph.outputs.length !== 1) {
    throw notGenerator(source, "it must have one input besides `latent` and one output");
  }

  const statements: Statement[] = [];
  const uses = new Map<Value, number>();
  let nextId = 0;
  const allocate = (count: number, role: RowStorage["role"] = "scratch"): RowStorage => ({
    kind: "rows",
    id: nextId++,
    elements: count,
    role,
  });
  const lowering: Lowering = {
    opset: graph.opset,
    statements,
    uses: (value) => uses.get(value) ?? 1,
    allocate,
  };
  const values = new Map<string, Value>();
  const counts = new Map<string, number>();
  for (const name of [...graph.nodes.flatMap((node) => node.inputs), output.name]) {
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const bind = (name: string, value: Value) => {
    values.set(name, value);
    uses.set(value, (uses.get(value) ?? 0) + (counts.get(name) ?? 0));
  };
  const bindInput = (input: OnnxValue, role: "features" | "latent"): number => {
    const [batch, width] = input.shape;
    if (
      input.dtype !== "float32" ||
      input.shape.length !== 2 ||
      typeof batch !== "string" ||
      typeof width !== "number"
    ) {
      throw notGenerator(
        source,
        `\`${input.name}\` is ${input.dtype} [${input.shape}]; it must be float32 [batch, n]`,
      );
    }
    const sizes = [1, width];
    const view = { storage: allocate(width, role), offset: 0, strides: rowMajor(sizes) };
    bind(input.name, { dtype: "float32", sizes, batch: 0, view, pending: null });
    return width;
  };
  const width = bindInput(features, "features");
  const latents = latent === undefined ? 0 : bindInput(latent, "latent");
  for (const [name, tensor] of graph.weights) bind(name, tensorValue(tensor));

  for (const node of graph.nodes) {
    const operator = Object.hasOwn(operators, node.operator) ? operators[node.operator] : undefined;
    if (operator === undefined) throw unsupported(node, "it is not covered");
    const inputs = node.inputs.map((name) => {
      if (name === "") return undefined;
      const value = values.get(name);
      if (value === undefined)
        throw unsupported(node, `its input ${JSON.stringify(name)} comes from nowhere`);
      return value;
    });
    const results = operator(lowering, node, inputs);
    if (node.outputs.slice(results.length).some((name) => name !== "" && counts.has(name))) {
      throw unsupported(node, `only its first ${results.length} outputs can be used`);
    }
    for (const [i, value] of results.entries()) {
      if (i < node.outputs.length) bind(node.outputs[i], value);
    }
  }

  const result = values.get(output.name);
  if (result === undefined) throw notGenerator(source, `its output \`${output.name}\` comes from nowhere`);
  if (result.dtype !== "float32" || result.batch !== 0 || result.sizes[0] !== 1) {
    throw notGenerator(source, `\`${output.name}\` must be float32 [batch, …]`);
  }
  store(lowering, result, allocate(elements(result.sizes), "output"));
  return {
    features: { name: features.name, elements: width },
    latents,
    output: { name: output.name, sizes: result.sizes.slice(1), elements: elements(result.sizes) },
    statements,
  };
}

/** Puts the result into the storage of the output: as it is computed, or by a copy. */
function store(lowering: Lowering, result: Value, storage: RowStorage): void {
  const node = { name: "output", operator: "Identity", inputs: [], outputs: [], attributes: new Map() };
  const out = { storage, offset: 0, strides: rowMajor(result.sizes) };
  lowering.statements.push({
    kind: "map",
    sizes: result.sizes,
    out,
    value: argument(lowering, node, result, result.sizes),
  });
}

function notGenerator(source: string, what: string) {
  return fail("invalid_bundle", `${source} is not a usable generator: ${what}`, {
    field: source,
    remedy:
      "Export it as ONNX with float32 features [batch, n], latent [batch, m] and one output [batch, …].",
  });
}
