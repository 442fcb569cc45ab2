// What tests of the compiler share: small ONNX files written here, run by ONNX Runtime and as compiled C.

import { execFile } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { promisify } from "node:util";
import type { BundleManifest } from "@driftline/client/bundle";
import { openModel } from "@driftline/client/model";
import { compile, compileFlags, findCompiler } from "./cCompiler.ts";
import { compileToC } from "./compileToC.ts";
import type { Dtype, Tensor } from "./readOnnx.ts";
import { replayDriver } from "./replayDriver.ts";

const execute = promisify(execFile);
export const compiler = await findCompiler();
/** For a test's options: skips it, and says so, where there is no C compiler. */
export const needsCompiler = compiler === null ? "there is no C compiler" : false;

export const directory = mkdtempSync(join(tmpdir(), "driftline-compile-"));
after(() => rm(directory, { recursive: true, force: true }));

export interface TestNode {
  operator: string;
  inputs: string[];
  output: string | string[];
  attributes?: Record<string, number | number[] | string | Tensor>;
  /** Attributes of this node that are floats even where they are whole numbers. */
  floats?: string[];
}

export interface TestModel {
  nodes: TestNode[];
  weights?: Record<string, Tensor>;
  features: number;
  latents?: number;
  /** Of one row. */
  output: { name: string; shape: number[] };
  opset?: number;
}

export function tensor(dtype: Dtype, shape: number[], values: number[]): Tensor {
  return { dtype, shape, data: Float64Array.from(values) };
}
export const ints = (...values: number[]) => tensor("int64", [values.length], values);
export const floats = (shape: number[], values: number[]) =>
  tensor("float32", shape, values.map(Math.fround));

/** The bytes of a model.onnx. */
export function onnxBytes(model: TestModel): Uint8Array {
  const value = (name: string, shape: (number | "batch")[]) =>
    message(
      [1, text(name)],
      [
        2,
        message([
          1,
          message(
            [1, 1],
            [
              2,
              message(
                ...shape.map((n): Field => [1, n === "batch" ? message([2, text(n)]) : message([1, n])]),
              ),
            ],
          ),
        ]),
      ],
    );
  const graph = message(
    ...model.nodes.map((node): Field => [1, nodeBytes(node)]),
    [2, text("test")],
    ...Object.entries(model.weights ?? {}).map(([name, weight]): Field => [5, tensorBytes(weight, name)]),
    [11, value("features", ["batch", model.features])],
    ...(model.latents ? [[11, value("latent", ["batch", model.latents])] as Field] : []),
    [12, value(model.output.name, ["batch", ...model.output.shape])],
  );
  return message([1, 8], [7, graph], [8, message([1, text("")], [2, model.opset ?? 18])]);
}

type Field = [number, number | Uint8Array];

function message(...fields: Field[]): Uint8Array {
  return Buffer.concat(
    fields.map(([number, value]) =>
      typeof value === "number"
        ? Buffer.concat([varint(number * 8), varint(value)])
        : Buffer.concat([varint(number * 8 + 2), varint(value.length), value]),
    ),
  );
}

function varint(value: number): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Uint8Array.from(bytes);
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

function float(field: number, value: number): Uint8Array {
  const bytes = Buffer.alloc(5);
  bytes[0] = field * 8 + 5;
  bytes.writeFloatLE(value, 1);
  return bytes;
}

function nodeBytes(node: TestNode): Uint8Array {
  const outputs = [node.output].flat();
  const attributes = Object.entries(node.attributes ?? {}).map(([name, value]): Field => {
    const named = message([1, text(name)]);
    if (typeof value === "string") return [5, Buffer.concat([named, message([4, text(value)], [20, 3])])];
    if (typeof value === "number") {
      const isFloat = node.floats?.includes(name) || !Number.isInteger(value);
      return [
        5,
        Buffer.concat([
          named,
          isFloat ? float(2, value) : message([3, value]),
          message([20, isFloat ? 1 : 2]),
        ]),
      ];
    }
    if (Array.isArray(value)) {
      return [5, Buffer.concat([named, message(...value.map((n): Field => [8, n]), [20, 7])])];
    }
    return [5, Buffer.concat([named, message([5, tensorBytes(value, "")], [20, 4])])];
  });
  return message(
    ...node.inputs.map((name): Field => [1, text(name)]),
    ...outputs.map((name): Field => [2, text(name)]),
    [3, text(`${node.operator} of ${outputs[0]}`)],
    [4, text(node.operator)],
    ...attributes,
  );
}

const typeNumbers: Record<Dtype, number> = { float32: 1, int32: 6, int64: 7, bool: 9, float64: 11 };

function tensorBytes({ dtype, shape, data }: Tensor, name: string): Uint8Array {
  const raw = {
    float32: () => new Uint8Array(Float32Array.from(data).buffer),
    float64: () => new Uint8Array(data.slice().buffer),
    int32: () => new Uint8Array(Int32Array.from(data).buffer),
    int64: () => new Uint8Array(BigInt64Array.from(data, BigInt).buffer),
    bool: () => Uint8Array.from(data),
  }[dtype]();
  return message(...shape.map((n): Field => [1, n]), [2, typeNumbers[dtype]], [8, text(name)], [9, raw]);
}

/** A manifest that says no more than the compiler asks for. */
export function manifestOf(model: Pick<TestModel, "features" | "latents" | "output">): BundleManifest {
  const columns = Array.from({ length: model.features }, (_, i) => ({
    name: `input_${i}`,
    unit: "1",
    low: -2,
    high: 2,
  }));
  const signature = {
    inputs: [
      { name: "features", dtype: "float32", shape: ["batch", model.features], unit: "", columns },
      { name: "latent", dtype: "float32", shape: ["batch", model.latents ?? 0], unit: "1" },
    ].slice(0, model.latents ? 2 : 1),
    outputs: [
      { name: model.output.name, dtype: "float32", shape: ["batch", ...model.output.shape], unit: "ADC" },
    ],
  };
  return {
    family: "test.operators",
    familyVersion: 1,
    key: "k1-none",
    conditions: {},
    signature,
    domain: { conditions: {}, inputs: {} },
  } as unknown as BundleManifest;
}

export interface Inputs {
  features: Float32Array;
  latent: Float32Array;
  rows: number;
}

/** Uniform over [-2, 2) and reproducible, with some zeros and whole numbers among them. */
export function drawInputs(model: Pick<TestModel, "features" | "latents">, rows: number): Inputs {
  let state = 12345;
  const next = () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    const value = (state / 2 ** 32) * 4 - 2;
    return state % 13 === 0 ? Math.round(value) : value;
  };
  const draw = (count: number) => Float32Array.from({ length: count }, next);
  return { features: draw(rows * model.features), latent: draw(rows * (model.latents ?? 0)), rows };
}

/** What ONNX Runtime makes of the inputs. */
export async function served(bytes: Uint8Array, inputs: Inputs): Promise<Float32Array> {
  const model = await openModel(bytes, { pieceRows: inputs.rows });
  try {
    return await model.run(inputs.features, inputs.latent, inputs.rows);
  } finally {
    await model.close();
  }
}

export const strictFlags = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror"];
export const sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];

/** What the compiled model makes of them: all rows in one call, and one row a call. */
export async function ran(
  bytes: Uint8Array,
  manifest: BundleManifest,
  inputs: Inputs,
  name: string,
  flags: string[] = [...compileFlags, ...strictFlags],
): Promise<{ batch: Float32Array; single: Float32Array }> {
  const { source, header } = compileToC(bytes, manifest, "0".repeat(64), name);
  const path = (file: string) => join(directory, file);
  await writeFile(path(`${name}.c`), source);
  await writeFile(path(`${name}.h`), header);
  await writeFile(path(`${name}_driver.c`), replayDriver(name));
  await compile(compiler!, [...flags, `${name}.c`, `${name}_driver.c`, "-o", name, "-lm"], { directory });
  await writeFile(path("features"), inputs.features);
  await writeFile(path("latent"), inputs.latent);
  const run = async (oneByOne: string) => {
    await execute(path(name), [
      path("features"),
      path("latent"),
      path("output"),
      String(inputs.rows),
      oneByOne,
    ]);
    const found = await readFile(path("output"));
    return new Float32Array(found.buffer.slice(found.byteOffset, found.byteOffset + found.byteLength));
  };
  return { batch: await run("0"), single: await run("1") };
}

/** A rising index of the first element further apart than absolute + relative |due|, NaN counting as far; else -1. */
export function firstDifference(
  found: Float32Array,
  due: Float32Array,
  absolute: number,
  relative: number,
): number {
  return due.findIndex(
    (value, i) =>
      !(Math.abs(found[i] - value) <= absolute + relative * Math.abs(value)) && !Object.is(found[i], value),
  );
}
