// What an operator is to the compiler: from a node and its inputs to values, adding statements where elements must be stored.

import { unsupported, type Value } from "../program.ts";
import type { OnnxNode } from "../readOnnx.ts";
import { knownInput, type Lowering } from "../values.ts";

export type Operator = (lowering: Lowering, node: OnnxNode, inputs: (Value | undefined)[]) => Value[];

/** An input that the operator cannot do without. */
export function required(node: OnnxNode, inputs: (Value | undefined)[], index: number): Value {
  const value = inputs[index];
  if (value === undefined) throw unsupported(node, `input ${index + 1} is missing`);
  return value;
}

export function numberAttribute(node: OnnxNode, name: string, otherwise: number): number {
  const value = node.attributes.get(name);
  return typeof value === "number" ? value : otherwise;
}

export function listAttribute(node: OnnxNode, name: string): number[] | undefined {
  const value = node.attributes.get(name);
  return Array.isArray(value) ? value : undefined;
}

/** Numbers that came as an attribute in early versions of an operator and come as an input since. */
export function numbersOf(
  node: OnnxNode,
  inputs: (Value | undefined)[],
  index: number,
  name: string,
): number[] | undefined {
  return (
    listAttribute(node, name) ??
    (inputs[index] === undefined ? undefined : knownInput(node, inputs[index], name))
  );
}

/** An axis counted from the front. */
export function axisOf(node: OnnxNode, axis: number, rank: number): number {
  const found = axis < 0 ? axis + rank : axis;
  if (!(found >= 0 && found < rank)) throw unsupported(node, `axis ${axis} of ${rank} dimensions`);
  return found;
}

/** An axis along which rows are not mixed. */
export function rowAxis(node: OnnxNode, axis: number, value: Value): number {
  const found = axisOf(node, axis, value.sizes.length);
  if (found === value.batch) throw unsupported(node, "it works along the batch dimension, across rows");
  return found;
}
