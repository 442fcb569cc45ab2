// A bare ONNX model in ONNX Runtime: what its inputs and outputs are, and how rows go through it.

import { readFile } from "node:fs/promises";
import type { InferenceSession, Tensor } from "onnxruntime-node";
import { DriftlineError } from "./error.ts";
import { refuseExternalData } from "./onnxGuard.ts";

/** An input or output of the graph; the first dimension is "batch" (free), the others are numbers. */
export interface ModelValue {
  name: string;
  dtype: string;
  shape: (number | string)[];
}

/** A generator's graph: one input of features, perhaps one of noise named `latent`, one output; all float32. */
export interface OnnxModel {
  inputs: ModelValue[];
  outputs: ModelValue[];
  /** Columns of the input of features. */
  featureWidth: number;
  /** Columns of the input named `latent`; 0 where there is none. */
  latentWidth: number;
  /** Shape of one row of the output, such as [8, 16]. */
  outputShape: number[];
  /**
   * Runs `rows` rows in pieces.
   * @param features rows × featureWidth, row-major
   * @param latent rows × latentWidth, row-major
   * @returns rows × outputShape, row-major
   */
  run(features: Float32Array, latent: Float32Array, rows: number): Promise<Float32Array>;
  close(): Promise<void>;
}

export interface ModelOptions {
  /** Threads within an operator. One is fastest for small networks. */
  threads?: number;
  /** Rows that go through the graph at once. */
  pieceRows?: number;
}

/** Opens a model from a path, or from bytes that were verified. Errors: `invalid_bundle`. */
export async function openModel(model: string | Uint8Array, options: ModelOptions = {}): Promise<OnnxModel> {
  const { threads = 1, pieceRows = 256 } = options;
  const source = typeof model === "string" ? model : "model.onnx";
  const bytes = typeof model === "string" ? await readModel(model) : model;
  refuseExternalData(bytes, source);
  // Its telemetry would write into the user's home, and it contains an uploader: off, unless someone wants it (0).
  process.env.ORT_DISABLE_TELEMETRY ??= "1";
  // Loaded on first use: who only asks for models does not wait for the runtime.
  const ort = await import("onnxruntime-node");
  let session: InferenceSession;
  try {
    session = await ort.InferenceSession.create(bytes, {
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: "sequential",
      logSeverityLevel: 3,
    });
  } catch (cause) {
    throw unusable(source, `ONNX Runtime cannot load it: ${(cause as Error).message}`, cause);
  }
  try {
    const inputs = session.inputMetadata.map(toValue);
    const outputs = session.outputMetadata.map(toValue);
    const latent = inputs.find((input) => input.name === "latent");
    const features = inputs.filter((input) => input !== latent);
    if (features.length !== 1 || outputs.length !== 1) {
      const names = `${inputs.map((v) => v.name).join(", ")} → ${outputs.map((v) => v.name).join(", ")}`;
      throw unusable(source, `it must have one input besides \`latent\` and one output; it has ${names}`);
    }
    const [featureWidth] = rowShape(features[0], source, 1);
    const [latentWidth] = latent === undefined ? [0] : rowShape(latent, source, 1);
    const outputShape = rowShape(outputs[0], source);
    const outputSize = outputShape.reduce((product, n) => product * n, 1);
    const output = outputs[0].name;

    async function run(featureValues: Float32Array, latentValues: Float32Array, rows: number) {
      expectLength("features", featureValues.length, rows, featureWidth);
      expectLength("latent", latentValues.length, rows, latentWidth);
      const result = new Float32Array(rows * outputSize);
      for (let first = 0; first < rows; first += pieceRows) {
        const last = Math.min(rows, first + pieceRows);
        const piece = (values: Float32Array, width: number): Tensor =>
          new ort.Tensor("float32", values.subarray(first * width, last * width), [last - first, width]);
        const feeds: Record<string, Tensor> = { [features[0].name]: piece(featureValues, featureWidth) };
        if (latentWidth > 0) feeds.latent = piece(latentValues, latentWidth);
        const values = (await session.run(feeds))[output];
        if (values.data.length !== (last - first) * outputSize) {
          throw unusable(source, `${last - first} rows gave an output of shape [${values.dims.join(", ")}]`);
        }
        result.set(values.data as Float32Array, first * outputSize);
      }
      return result;
    }
    return { inputs, outputs, featureWidth, latentWidth, outputShape, run, close: () => session.release() };
  } catch (error) {
    await session.release();
    throw error;
  }
}

async function readModel(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw unusable(path, `it cannot be read: ${(cause as Error).message}`, cause);
  }
}

function toValue(meta: InferenceSession.ValueMetadata): ModelValue {
  return meta.isTensor
    ? { name: meta.name, dtype: meta.type, shape: [...meta.shape] }
    : { name: meta.name, dtype: "not a tensor", shape: [] };
}

/** Shape without the batch dimension, which must be the only free one. */
function rowShape(value: ModelValue, source: string, rank?: number): number[] {
  const [batch, ...row] = value.shape;
  const fixed = row.every((n) => typeof n === "number" && n > 0);
  if (
    value.dtype !== "float32" ||
    typeof batch !== "string" ||
    !fixed ||
    (rank ?? row.length) !== row.length
  ) {
    const shape = value.shape.map((n) => (n === "" ? "?" : n)).join(", ");
    throw unusable(
      source,
      `\`${value.name}\` is ${value.dtype} [${shape}]; it must be float32 [batch, ${rank === 1 ? "n" : "…"}]`,
    );
  }
  return row as number[];
}

function expectLength(name: string, found: number, rows: number, width: number): void {
  if (found === rows * width) return;
  throw new DriftlineError(
    "usage",
    `${name} has ${found} values; ${rows} rows of ${width} need ${rows * width}`,
    { field: name },
  );
}

function unusable(source: string, what: string, cause?: unknown): DriftlineError {
  return new DriftlineError("invalid_bundle", `${source} is not a usable generator: ${what}`, {
    field: source,
    cause,
    remedy:
      "Export it as ONNX with float32 features [batch, n], latent [batch, m] and one output [batch, …].",
  });
}
