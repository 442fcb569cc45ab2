// Every operator that is covered, against ONNX Runtime on random inputs, under the sanitizers and as strict C99.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { operators } from "./lower.ts";
import {
  drawInputs,
  firstDifference,
  floats,
  ints,
  manifestOf,
  needsCompiler,
  onnxBytes,
  ran,
  sanitizers,
  served,
  strictFlags,
  type TestModel,
  type TestNode,
  tensor,
} from "./testing.ts";

type Case = Omit<TestNode, "output"> & {
  /** Elements of a row of the result. */
  count: number;
  outputs?: number;
  weights?: TestModel["weights"];
  /** Nodes that make its inputs. */
  before?: TestNode[];
  /** Where the result is no float or has not the shape [batch, count]: what makes it so. */
  after?: "Cast" | "Reshape";
};

const n = 6;
const latents = 6;
const six = (f: (i: number) => number) => Array.from({ length: 6 }, (_, i) => f(i));
const unary = (operator: string, rest: Partial<Case> = {}): Case => ({
  operator,
  inputs: ["features"],
  count: n,
  ...rest,
});
const binary = (operator: string, rest: Partial<Case> = {}): Case => ({
  operator,
  inputs: ["features", "latent"],
  count: n,
  ...rest,
});
/** features as [batch, 2, 3] and latent as [batch, 3, 2]. */
const cube: TestNode[] = [
  { operator: "Reshape", inputs: ["features", "to23"], output: "a23" },
  { operator: "Reshape", inputs: ["latent", "to32"], output: "b32" },
];
const cubeWeights = { to23: ints(-1, 2, 3), to32: ints(0, 3, 2) };
const positive: TestNode[] = [{ operator: "Abs", inputs: ["features"], output: "positive" }];
const truths: TestNode[] = [
  { operator: "Less", inputs: ["features", "zero"], output: "p" },
  { operator: "Greater", inputs: ["latent", "zero"], output: "q" },
];
const zero = { zero: floats([], [0]) };

const groups: Record<string, Case[]> = {
  "of one element": [
    ...["Abs", "Ceil", "Exp", "Floor", "Identity", "Neg", "Relu", "Sigmoid", "Sign", "Softplus", "Tanh"].map(
      (operator) => unary(operator),
    ),
    unary("Dropout"),
    unary("Elu", { attributes: { alpha: 0.75 } }),
    unary("HardSigmoid", { attributes: { alpha: 0.3, beta: 0.4 } }),
    unary("LeakyRelu", { attributes: { alpha: 0.125 } }),
    unary("Log", { inputs: ["positive"], before: positive }),
    unary("Sqrt", { inputs: ["positive"], before: positive }),
    unary("Reciprocal", {
      inputs: ["away"],
      before: [{ operator: "Add", inputs: ["features", "five"], output: "away" }],
      weights: { five: floats([], [5]) },
    }),
    unary("Clip", {
      inputs: ["features", "low", "high"],
      weights: { low: floats([], [-1]), high: floats([], [0.5]) },
    }),
    unary("Clip", { inputs: ["features", "", "top"], weights: { top: floats([], [0.25]) } }),
    ...[-1, 0.5, 1, 2, 3].map((power, i) =>
      unary("Pow", {
        inputs: ["positive", `power${i}`],
        before: positive,
        weights: { [`power${i}`]: floats([], [power]) },
      }),
    ),
    unary("Pow", {
      inputs: ["positive", "powers"],
      before: positive,
      weights: {
        powers: floats(
          [6],
          six((i) => i / 2),
        ),
      },
    }),
    unary("Not", { inputs: ["p"], before: truths, weights: zero, after: "Cast" }),
    unary("Cast", {
      inputs: ["twos"],
      before: [{ operator: "Cast", inputs: ["features"], output: "twos", attributes: { to: 9 } }],
      attributes: { to: 1 },
    }),
  ],
  "of two elements": [
    ...["Add", "Sub", "Mul", "Div", "Min", "Max", "Sum", "Mean"].map((operator) => binary(operator)),
    ...["Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"].map((operator) =>
      binary(operator, { after: "Cast" }),
    ),
    ...["And", "Or"].map((operator) =>
      binary(operator, { inputs: ["p", "q"], before: truths, weights: zero, after: "Cast" }),
    ),
    binary("Where", { inputs: ["p", "features", "latent"], before: truths, weights: zero }),
    binary("Max", { inputs: ["features", "latent", "half"], weights: { half: floats([1, 1], [0.5]) } }),
    // Broadcasts: a constant for each column, one for all, a column against a row, more dimensions.
    binary("Add", {
      inputs: ["features", "each"],
      weights: {
        each: floats(
          [6],
          six((i) => i - 2.3),
        ),
      },
    }),
    binary("Sub", {
      inputs: ["each1", "features"],
      weights: {
        each1: floats(
          [1, 6],
          six((i) => i * 0.7),
        ),
      },
    }),
    binary("Mul", {
      inputs: ["a231", "b132"],
      count: 12,
      after: "Reshape",
      weights: { ...cubeWeights, last: ints(-1), second: ints(1) },
      before: [
        ...cube,
        { operator: "Unsqueeze", inputs: ["a23", "last"], output: "a231" },
        { operator: "Unsqueeze", inputs: ["b32", "second"], output: "b132" },
      ],
    }),
    binary("Div", {
      inputs: ["a23", "b_3"],
      after: "Reshape",
      before: cube,
      weights: { ...cubeWeights, b_3: floats([3], [1.5, -2, 4]) },
    }),
    binary("Add", {
      inputs: ["a23", "b2_"],
      after: "Reshape",
      before: cube,
      weights: { ...cubeWeights, b2_: floats([1, 2, 1], [1.5, -2]) },
    }),
  ],
  "that move elements": [
    { operator: "Concat", inputs: ["latent", "features", "latent"], attributes: { axis: -1 }, count: 18 },
    {
      operator: "Concat",
      inputs: ["a23", "a23"],
      attributes: { axis: 2 },
      before: cube,
      weights: cubeWeights,
      count: 12,
      after: "Reshape",
    },
    {
      operator: "Slice",
      inputs: ["features", "one", "five5", "axis1", "two"],
      count: 2,
      weights: { one: ints(1), five5: ints(5), axis1: ints(1), two: ints(2) },
    },
    {
      operator: "Slice",
      inputs: ["a23", "rs", "re", "ra", "rt"],
      before: cube,
      after: "Reshape",
      count: 6,
      weights: { ...cubeWeights, rs: ints(-1), re: ints(-9), ra: ints(2), rt: ints(-1) },
    },
    {
      operator: "Slice",
      inputs: ["features", "all0", "allN", "all0"],
      count: 6,
      weights: { all0: ints(0), allN: ints(2 ** 40) },
    },
    {
      operator: "Split",
      inputs: ["features", "parts"],
      outputs: 3,
      attributes: { axis: 1 },
      weights: { parts: ints(1, 2, 3) },
      count: 1,
    },
    {
      operator: "Gather",
      inputs: ["features", "order"],
      attributes: { axis: 1 },
      weights: { order: ints(5, 0, 0, -2, 3, 3, 1) },
      count: 7,
    },
    {
      operator: "Gather",
      inputs: ["a23", "pick"],
      attributes: { axis: 2 },
      before: cube,
      weights: { ...cubeWeights, pick: tensor("int64", [2, 2], [2, 0, 1, 1]) },
      count: 8,
      after: "Reshape",
    },
    {
      operator: "Gather",
      inputs: ["turned", "single"],
      attributes: { axis: 0 },
      before: [
        { operator: "Transpose", inputs: ["features"], output: "turned", attributes: { perm: [1, 0] } },
      ],
      weights: { single: tensor("int64", [], [4]) },
      count: 1,
      after: "Reshape",
    },
    {
      operator: "Transpose",
      inputs: ["a23"],
      attributes: { perm: [0, 2, 1] },
      before: cube,
      weights: cubeWeights,
      count: 6,
      after: "Reshape",
    },
    {
      operator: "Reshape",
      inputs: ["features", "folded"],
      weights: { folded: ints(-1, 1, 3, 2) },
      count: 6,
      after: "Reshape",
    },
    {
      operator: "Flatten",
      inputs: ["a23"],
      attributes: { axis: 1 },
      before: cube,
      weights: cubeWeights,
      count: 6,
    },
    {
      operator: "Squeeze",
      inputs: ["wide", "axis1"],
      before: [{ operator: "Unsqueeze", inputs: ["features", "axis1"], output: "wide" }],
      weights: { axis1: ints(1) },
      count: 6,
    },
    {
      operator: "Unsqueeze",
      inputs: ["features", "axes"],
      weights: { axes: ints(1, -1) },
      count: 6,
      after: "Reshape",
    },
    {
      operator: "Expand",
      inputs: ["thin", "broad"],
      before: [{ operator: "Unsqueeze", inputs: ["features", "axis2"], output: "thin" }],
      weights: { axis2: ints(2), broad: ints(1, 6, 4) },
      count: 24,
      after: "Reshape",
    },
    // What jax2onnx writes for a broadcast: the shape is computed from that of another tensor.
    {
      operator: "Expand",
      inputs: ["thin", "computed"],
      count: 24,
      after: "Reshape",
      weights: { axis2: ints(2), index0: ints(0), tail: ints(6, 4) },
      before: [
        { operator: "Unsqueeze", inputs: ["features", "axis2"], output: "thin" },
        { operator: "Shape", inputs: ["latent"], output: "shape" },
        { operator: "Gather", inputs: ["shape", "index0"], output: "rows" },
        { operator: "Concat", inputs: ["rows", "tail"], output: "computed", attributes: { axis: 0 } },
      ],
    },
    {
      operator: "ConstantOfShape",
      inputs: ["zeros"],
      attributes: { value: tensor("float32", [1], [1.5]) },
      weights: { index0: ints(0), tail1: ints(2) },
      count: 2,
      before: [
        { operator: "Shape", inputs: ["features"], output: "shape0", attributes: { start: 0, end: 1 } },
        { operator: "Concat", inputs: ["shape0", "tail1"], output: "zeros", attributes: { axis: 0 } },
      ],
    },
    {
      operator: "Add",
      inputs: ["features", "made"],
      count: 6,
      before: [{ operator: "Constant", inputs: [], output: "made", attributes: { value_float: 0.5 } }],
    },
    {
      operator: "Mul",
      inputs: ["features", "counted"],
      count: 6,
      weights: {
        from: tensor("float32", [], [1]),
        to: tensor("float32", [], [13]),
        by: tensor("float32", [], [2]),
      },
      before: [{ operator: "Range", inputs: ["from", "to", "by"], output: "counted" }],
    },
  ],
  "that reduce": [
    ...[
      "ReduceSum",
      "ReduceMean",
      "ReduceMax",
      "ReduceMin",
      "ReduceProd",
      "ReduceL1",
      "ReduceL2",
      "ReduceSumSquare",
    ].map(
      (operator): Case =>
        operator === "ReduceSum"
          ? { operator, inputs: ["features", "over"], weights: { over: ints(1) }, count: 1 }
          : { operator, inputs: ["features", "over"], weights: { over: ints(-1) }, count: 1 },
    ),
    {
      operator: "ReduceLogSum",
      inputs: ["positive", "over"],
      before: positive,
      weights: { over: ints(1) },
      count: 1,
    },
    {
      operator: "ReduceSum",
      inputs: ["a23", "middle"],
      attributes: { keepdims: 0 },
      before: cube,
      weights: { ...cubeWeights, middle: ints(1) },
      count: 3,
    },
    {
      operator: "ReduceMax",
      inputs: ["a23", "both"],
      attributes: { keepdims: 0 },
      before: cube,
      weights: { ...cubeWeights, both: ints(1, 2) },
      count: 1,
      after: "Reshape",
    },
    { operator: "Softmax", inputs: ["features"], attributes: { axis: -1 }, count: 6 },
    {
      operator: "Softmax",
      inputs: ["a23"],
      attributes: { axis: 1 },
      before: cube,
      weights: cubeWeights,
      count: 6,
      after: "Reshape",
    },
    { operator: "LogSoftmax", inputs: ["features"], attributes: { axis: 1 }, count: 6 },
  ],
  "that multiply matrices": [
    ...[1, 3, 4, 16, 30, 64, 81].map((width): Case => {
      const name = `dense${width}`;
      const values = Array.from({ length: 6 * width }, (_, i) => Math.sin(i));
      return {
        operator: "MatMul",
        inputs: ["features", name],
        weights: { [name]: floats([6, width], values) },
        count: width,
      };
    }),
    {
      operator: "Gemm",
      inputs: ["features", "gw", "gb"],
      attributes: { transB: 1, alpha: 0.5, beta: 2 },
      floats: ["beta"],
      weights: {
        gw: floats(
          [5, 6],
          Array.from({ length: 30 }, (_, i) => Math.cos(i)),
        ),
        gb: floats([5], [1, 2, 3, 4, 5]),
      },
      count: 5,
    },
    {
      operator: "Gemm",
      inputs: ["turned", "gw2"],
      attributes: { transA: 1 },
      before: [
        { operator: "Transpose", inputs: ["features"], output: "turned", attributes: { perm: [1, 0] } },
      ],
      weights: { gw2: floats([6, 2], six((i) => i).concat(six((i) => -i))) },
      count: 2,
    },
    {
      operator: "MatMul",
      inputs: ["a23", "b32"],
      before: cube,
      weights: cubeWeights,
      count: 4,
      after: "Reshape",
    },
    {
      operator: "MatMul",
      inputs: ["b32", "a23"],
      before: cube,
      weights: cubeWeights,
      count: 9,
      after: "Reshape",
    },
    {
      operator: "MatMul",
      inputs: ["fixed", "a23"],
      before: cube,
      weights: {
        ...cubeWeights,
        fixed: floats(
          [5, 2],
          Array.from({ length: 10 }, (_, i) => i - 4),
        ),
      },
      count: 15,
      after: "Reshape",
    },
    {
      operator: "MatMul",
      inputs: ["a23", "stack"],
      before: cube,
      weights: {
        ...cubeWeights,
        stack: floats(
          [1, 3, 20],
          Array.from({ length: 60 }, (_, i) => Math.sin(i)),
        ),
      },
      count: 40,
      after: "Reshape",
    },
    {
      operator: "MatMul",
      inputs: ["wide", "several"],
      before: [{ operator: "Reshape", inputs: ["features", "to123"], output: "wide" }],
      weights: {
        to123: ints(-1, 2, 1, 3),
        several: floats(
          [2, 3, 2],
          Array.from({ length: 12 }, (_, i) => i),
        ),
      },
      count: 4,
      after: "Reshape",
    },
    // Rows folded into the batch, as jax2onnx writes a product over the last of three dimensions.
    {
      operator: "Reshape",
      inputs: ["product", "to24"],
      count: 8,
      after: "Reshape",
      weights: {
        to3: ints(-1, 3),
        to24: ints(-1, 2, 4),
        w34: floats(
          [3, 4],
          Array.from({ length: 12 }, (_, i) => i / 3),
        ),
      },
      before: [
        { operator: "Reshape", inputs: ["features", "to3"], output: "folded" },
        { operator: "Gemm", inputs: ["folded", "w34"], output: "product" },
      ],
    },
  ],
};

/** One model of all cases of a group: their results side by side, each with the columns that are its own. */
function modelOf(cases: Case[]): { model: TestModel; columns: { label: string; end: number }[] } {
  const nodes: TestNode[] = [];
  const weights: Record<string, NonNullable<TestModel["weights"]>[string]> = { flat: ints(0, -1) };
  const columns: { label: string; end: number }[] = [];
  const results: string[] = [];
  let end = 0;
  for (const [i, { count, outputs = 1, weights: more, before, after, ...node }] of cases.entries()) {
    const own = (name: string) =>
      name === "" || name === "features" || name === "latent" ? name : `c${i}_${name}`;
    for (const [name, weight] of Object.entries(more ?? {})) weights[own(name)] = weight;
    for (const each of before ?? []) {
      nodes.push({ ...each, inputs: each.inputs.map(own), output: own(each.output as string) });
    }
    const names = Array.from({ length: outputs }, (_, k) => `r${i}_${k}`);
    nodes.push({ ...node, inputs: node.inputs.map(own), output: names });
    for (const [k, name] of names.entries()) {
      const result = after === undefined ? name : `${name}_last`;
      if (after === "Cast") {
        nodes.push({ operator: "Cast", inputs: [name], output: result, attributes: { to: 1 } });
      }
      if (after === "Reshape") nodes.push({ operator: "Reshape", inputs: [name, "flat"], output: result });
      results.push(result);
      end += node.operator === "Split" ? k + 1 : count;
      columns.push({ label: `case ${i}, ${node.operator}`, end });
    }
  }
  nodes.push({ operator: "Concat", inputs: results, output: "response", attributes: { axis: 1 } });
  return {
    model: { nodes, weights, features: n, latents, output: { name: "response", shape: [end] } },
    columns,
  };
}

describe("operators against ONNX Runtime", { skip: needsCompiler }, () => {
  for (const [i, [title, cases]] of Object.entries(groups).entries()) {
    it(title, async () => {
      const { model, columns } = modelOf(cases);
      const bytes = onnxBytes(model);
      // A block, a part of a block, single rows.
      const inputs = drawInputs(model, 22);
      const due = await served(bytes, inputs);
      const flags = ["-O1", ...strictFlags, ...sanitizers];
      const { batch, single } = await ran(bytes, manifestOf(model), inputs, `group${i}`, flags);
      const width = model.output.shape[0];
      for (const found of [batch, single]) {
        const at = firstDifference(found, due, 1e-6, 2e-6);
        const label = columns.find(({ end }) => at % width < end)?.label;
        assert.equal(
          at,
          -1,
          `${label}: row ${Math.floor(at / width)}: ${found[at]}, ONNX Runtime ${due[at]}`,
        );
      }
      assert.deepEqual(batch, single);
    });
  }
});

it("no operator is without a test", () => {
  const tested = new Set(
    Object.values(groups).flatMap((cases) =>
      cases.flatMap((each) => [each.operator, ...(each.before ?? []).map((node) => node.operator)]),
    ),
  );
  assert.deepEqual(
    Object.keys(operators).filter((name) => !tested.has(name)),
    [],
  );
});
