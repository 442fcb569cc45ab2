// Operators that work on each element by itself.

import { type ElementFunction, elementFunctions as functions } from "../elementFunctions.ts";
import { unsupported, type Value } from "../program.ts";
import type { OnnxNode } from "../readOnnx.ts";
import { applied, knownNumbers, type Lowering, scalar, stored } from "../values.ts";
import { numberAttribute, type Operator, required } from "./operator.ts";

function elementwise(apply: ElementFunction, count: 1 | 2): Operator {
  return (lowering, node, inputs) => {
    const values = Array.from({ length: count }, (_, i) => required(node, inputs, i));
    const dtype = apply.truth ? "bool" : values[0].dtype;
    return [applied(lowering, node, dtype, apply, values)];
  };
}

/** Min, Max, Sum and Mean take any number of inputs: from left to right. */
function folded(apply: ElementFunction): Operator {
  return (lowering, node, inputs) => {
    const values = inputs.map((_, i) => required(node, inputs, i));
    return [fold(lowering, node, apply, values)];
  };
}

function fold(lowering: Lowering, node: OnnxNode, apply: ElementFunction, values: Value[]): Value {
  return values.reduce((left, right) => applied(lowering, node, left.dtype, apply, [left, right]));
}

function withParameter(apply: ElementFunction, name: string, otherwise: number): Operator {
  return (lowering, node, inputs) => {
    const value = required(node, inputs, 0);
    const parameter = scalar(numberAttribute(node, name, otherwise));
    return [applied(lowering, node, value.dtype, apply, [value, parameter])];
  };
}

const mean: Operator = (lowering, node, inputs) => {
  const values = inputs.map((_, i) => required(node, inputs, i));
  const sum = fold(lowering, node, functions.add, values);
  return [applied(lowering, node, sum.dtype, functions.divide, [sum, scalar(values.length)])];
};

/** The bounds came as attributes until opset 11. */
const clip: Operator = (lowering, node, inputs) => {
  let value = required(node, inputs, 0);
  const bound = (index: number, name: string) => {
    const attribute = node.attributes.get(name);
    return typeof attribute === "number" ? scalar(attribute) : inputs[index];
  };
  const low = bound(1, "min");
  const high = bound(2, "max");
  if (low !== undefined) value = applied(lowering, node, value.dtype, functions.atLeast, [value, low]);
  if (high !== undefined) value = applied(lowering, node, value.dtype, functions.atMost, [value, high]);
  return [value];
};

const relu: Operator = (lowering, node, inputs) => {
  const value = required(node, inputs, 0);
  return [applied(lowering, node, value.dtype, functions.atLeast, [value, scalar(0, value.dtype)])];
};

/** Squares and the like become products and roots; other exponents take libm's powf. */
const power: Operator = (lowering, node, inputs) => {
  const value = required(node, inputs, 0);
  const exponent = required(node, inputs, 1);
  const known = knownNumbers(exponent);
  const n = known?.data[0];
  if (value.dtype === "float32" && knownNumbers(value) === null && known?.data.every((each) => each === n)) {
    const product = (left: Value, right: Value) =>
      applied(lowering, node, "float32", functions.multiply, [left, right]);
    // A value that stands several times in an expression is computed once.
    stored(lowering, value);
    if (n === 1 && exponent.sizes.length <= value.sizes.length) return [value];
    if (exponent.sizes.every((size) => size === 1) && exponent.sizes.length <= value.sizes.length) {
      if (n === 2) return [product(value, value)];
      if (n === 3) return [product(product(value, value), value)];
      if (n === 0.5) return [applied(lowering, node, "float32", functions.squareRoot, [value])];
      if (n === -1) return [applied(lowering, node, "float32", functions.reciprocal, [value])];
    }
  }
  const base: Value = exponent.dtype === "float32" ? exponent : asFloat(node, exponent);
  return [applied(lowering, node, value.dtype, functions.power, [value, base])];
};

function asFloat(node: OnnxNode, value: Value): Value {
  const known = knownNumbers(value);
  if (known === null) throw unsupported(node, `its exponent is ${value.dtype} and depends on the row`);
  return { ...value, dtype: "float32" };
}

const where: Operator = (lowering, node, inputs) => {
  const [condition, yes, no] = [0, 1, 2].map((i) => required(node, inputs, i));
  return [applied(lowering, node, yes.dtype, functions.where, [condition, yes, no])];
};

const hardSigmoid: Operator = (lowering, node, inputs) => {
  const value = required(node, inputs, 0);
  const { add, multiply, atLeast, atMost } = functions;
  const steps: [ElementFunction, number][] = [
    [multiply, numberAttribute(node, "alpha", 0.2)],
    [add, numberAttribute(node, "beta", 0.5)],
    [atLeast, 0],
    [atMost, 1],
  ];
  return [
    steps.reduce(
      (left, [apply, right]) => applied(lowering, node, "float32", apply, [left, scalar(right)]),
      value,
    ),
  ];
};

export const arithmetic: Record<string, Operator> = {
  Abs: elementwise(functions.absolute, 1),
  Add: elementwise(functions.add, 2),
  And: elementwise(functions.and, 2),
  Ceil: elementwise(functions.ceiling, 1),
  Clip: clip,
  Div: elementwise(functions.divide, 2),
  Elu: withParameter(functions.elu, "alpha", 1),
  Equal: elementwise(functions.equal, 2),
  Exp: elementwise(functions.exponential, 1),
  Floor: elementwise(functions.floor, 1),
  Greater: elementwise(functions.greater, 2),
  GreaterOrEqual: elementwise(functions.greaterOrEqual, 2),
  HardSigmoid: hardSigmoid,
  LeakyRelu: withParameter(functions.leaky, "alpha", 0.01),
  Less: elementwise(functions.less, 2),
  LessOrEqual: elementwise(functions.lessOrEqual, 2),
  Log: elementwise(functions.logarithm, 1),
  Max: folded(functions.maximum),
  Mean: mean,
  Min: folded(functions.minimum),
  Mul: elementwise(functions.multiply, 2),
  Neg: elementwise(functions.negate, 1),
  Not: elementwise(functions.not, 1),
  Or: elementwise(functions.or, 2),
  Pow: power,
  Reciprocal: elementwise(functions.reciprocal, 1),
  Relu: relu,
  Sigmoid: elementwise(functions.sigmoid, 1),
  Sign: elementwise(functions.sign, 1),
  Softplus: elementwise(functions.softplus, 1),
  Sqrt: elementwise(functions.squareRoot, 1),
  Sub: elementwise(functions.subtract, 2),
  Sum: folded(functions.add),
  Tanh: elementwise(functions.tangent, 1),
  Where: where,
};
