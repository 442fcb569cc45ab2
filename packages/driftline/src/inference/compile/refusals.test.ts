// What cannot be compiled is refused by name, before any code is written.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { compileToC } from "./compileToC.ts";
import { floats, ints, manifestOf, onnxBytes, type TestModel, type TestNode } from "./testing.ts";

function compiled(nodes: TestNode[], rest: Partial<TestModel> = {}): string {
  const model = { nodes, features: 4, latents: 4, output: { name: "response", shape: [4] }, ...rest };
  return compileToC(onnxBytes(model), manifestOf(model), "0".repeat(64), "refused").source;
}

function refused(nodes: TestNode[], message: RegExp, rest: Partial<TestModel> = {}): void {
  assert.throws(() => compiled(nodes, rest), {
    code: "unsupported_operator",
    message,
    remedy: /ONNX Runtime/,
  });
}

describe("what is not covered", () => {
  it("an operator that is not known, with its node", () => {
    refused(
      [{ operator: "Erf", inputs: ["features"], output: "response" }],
      /operator Erf \(node Erf of response\): it is not covered/,
    );
    refused([{ operator: "toString", inputs: ["features"], output: "response" }], /operator toString/);
  });

  it("what mixes rows", () => {
    const axis0 = { weights: { axis0: ints(0), some: ints(2), one: ints(1) } };
    refused(
      [
        { operator: "ReduceSum", inputs: ["features", "axis0"], output: "sum" },
        { operator: "Add", inputs: ["features", "sum"], output: "response" },
      ],
      /operator ReduceSum .*across rows/,
      axis0,
    );
    refused(
      [
        { operator: "Transpose", inputs: ["latent"], output: "turned", attributes: { perm: [1, 0] } },
        { operator: "MatMul", inputs: ["features", "turned"], output: "response" },
      ],
      /operator MatMul .*different rows/,
    );
    refused(
      [{ operator: "Softmax", inputs: ["features"], output: "response", attributes: { axis: 0 } }],
      /operator Softmax .*across rows/,
    );
    refused(
      [{ operator: "Slice", inputs: ["features", "one", "some", "axis0"], output: "response" }],
      /operator Slice .*some of the rows/,
      axis0,
    );
    refused(
      [
        { operator: "Transpose", inputs: ["features"], output: "turned", attributes: { perm: [1, 0] } },
        { operator: "Reshape", inputs: ["turned", "back"], output: "response" },
      ],
      /operator Reshape .*mixes rows/,
      { weights: { back: ints(-1, 4) } },
    );
  });

  it("a number of rows that goes into a response", () => {
    refused(
      [
        { operator: "Shape", inputs: ["features"], output: "shape", attributes: { start: 0, end: 1 } },
        { operator: "Cast", inputs: ["shape"], output: "rows", attributes: { to: 1 } },
        { operator: "Mul", inputs: ["features", "rows"], output: "response" },
      ],
      /operator Mul .*number of rows/,
    );
  });

  it("indices that depend on the row", () => {
    refused(
      [
        { operator: "Cast", inputs: ["latent"], output: "indices", attributes: { to: 7 } },
        { operator: "Gather", inputs: ["table", "indices"], output: "response" },
      ],
      /operator Cast .*from float32 to int64/,
      { weights: { table: floats([4], [1, 2, 3, 4]) } },
    );
  });

  it("a network too large for a stack", () => {
    const width = 80_000;
    refused(
      [
        { operator: "Expand", inputs: ["features", "broad"], output: "wide" },
        { operator: "Exp", inputs: ["wide"], output: "response" },
      ],
      /bytes of stack/,
      { weights: { broad: ints(1, width) }, features: 1, output: { name: "response", shape: [width] } },
    );
  });
});

describe("what is no generator", () => {
  const code = "invalid_bundle";

  it("two outputs, a width that is not fixed, columns that the manifest does not name", () => {
    const model: TestModel = {
      nodes: [{ operator: "Relu", inputs: ["features"], output: "response" }],
      features: 4,
      output: { name: "response", shape: [4] },
    };
    const bytes = onnxBytes(model);
    const other = manifestOf({ ...model, features: 5 });
    assert.throws(() => compileToC(bytes, other, "", "x"), { code, message: /names 5 columns/ });
    assert.throws(() => compileToC(bytes.subarray(0, bytes.length - 3), manifestOf(model), "", "x"), {
      code,
    });
    assert.throws(() => compiled([{ operator: "Identity", inputs: ["nothing"], output: "response" }]), {
      message: /"nothing" comes from nowhere/,
    });
  });
});

it("the same bundle gives the same bytes", () => {
  const nodes: TestNode[] = [{ operator: "Elu", inputs: ["features"], output: "response" }];
  assert.equal(compiled(nodes), compiled(nodes));
});
