// Operators whose results are known when the code is written, constants and shapes; and conversions between dtypes.

import { elementFunctions } from "../elementFunctions.ts";
import { batchStandIn, type Storage, unsupported } from "../program.ts";
import { dtypes, type Tensor } from "../readOnnx.ts";
import { applied, constant, dimensions, knownInput, knownNumbers, stored, tensorValue } from "../values.ts";
import { batchOf } from "./moves.ts";
import { numberAttribute, type Operator, required } from "./operator.ts";

const constantNode: Operator = (_, node) => {
  const { attributes } = node;
  const tensor = attributes.get("value");
  if (typeof tensor === "object" && !Array.isArray(tensor)) return [tensorValue(tensor)];
  for (const [name, dtype] of [
    ["value_float", "float32"],
    ["value_int", "int64"],
    ["value_floats", "float32"],
    ["value_ints", "int64"],
  ] as const) {
    const value = attributes.get(name);
    if (typeof value === "number") return [constant(dtype, [], Float64Array.of(value))];
    if (Array.isArray(value)) return [constant(dtype, [value.length], Float64Array.from(value))];
  }
  throw unsupported(node, "its value is neither a tensor nor numbers");
};

const shape: Operator = (_, node, inputs) => {
  const { sizes, batch } = required(node, inputs, 0);
  const all = sizes.map((size, d) => (d === batch ? size * batchStandIn : size));
  const clamp = (at: number) => Math.min(Math.max(at < 0 ? at + all.length : at, 0), all.length);
  const part = all.slice(
    clamp(numberAttribute(node, "start", 0)),
    clamp(numberAttribute(node, "end", all.length)),
  );
  return [constant("int64", [part.length], Float64Array.from(part), batch !== null)];
};

const constantOfShape: Operator = (_, node, inputs) => {
  const target = dimensions(knownInput(node, inputs[0], "shape"));
  const { dtype, data } = (node.attributes.get("value") as Tensor | undefined) ?? {
    dtype: "float32" as const,
    data: Float64Array.of(0),
  };
  const storage: Storage = { kind: "constant", data: Float64Array.of(data[0]), symbolic: false };
  const sizes = target.map(({ size }) => size);
  return [
    {
      dtype,
      sizes,
      batch: batchOf(node, target),
      view: { storage, offset: 0, strides: sizes.map(() => 0) },
      pending: null,
    },
  ];
};

const range: Operator = (_, node, inputs) => {
  const [start, limit, step] = [0, 1, 2].map((i) => knownInput(node, inputs[i], "bounds")[0]);
  const count = Math.max(0, Math.ceil((limit - start) / step));
  if (count >= batchStandIn / 2) throw unsupported(node, "it counts the rows");
  const data = Float64Array.from({ length: count }, (__, i) => start + i * step);
  return [constant(required(node, inputs, 0).dtype, [count], data)];
};

const cast: Operator = (lowering, node, inputs) => {
  const value = required(node, inputs, 0);
  const dtype = dtypes[numberAttribute(node, "to", 0)];
  if (dtype === undefined) throw unsupported(node, `to ONNX data type ${node.attributes.get("to")}`);
  if (dtype === value.dtype) return [value];
  const known = knownNumbers(value);
  if (known !== null) {
    const isInteger = dtype === "int32" || dtype === "int64";
    const convert =
      dtype === "bool"
        ? (n: number) => Number(n !== 0)
        : dtype === "float32"
          ? Math.fround
          : isInteger
            ? Math.trunc
            : (n: number) => n;
    return [{ ...constant(dtype, value.sizes, known.data.map(convert), known.symbolic), batch: value.batch }];
  }
  if (dtype === "float32" && value.dtype === "bool") {
    // Truth is 1 or 0 already.
    if (lowering.uses(value) > 1) stored(lowering, value);
    return [{ ...value, dtype }];
  }
  if (dtype === "bool" && value.dtype === "float32") {
    return [applied(lowering, node, "bool", elementFunctions.truth, [value])];
  }
  throw unsupported(node, `from ${value.dtype} to ${dtype}, of what depends on the row`);
};

export const known: Record<string, Operator> = {
  Cast: cast,
  Constant: constantNode,
  ConstantOfShape: constantOfShape,
  Range: range,
  Shape: shape,
};
