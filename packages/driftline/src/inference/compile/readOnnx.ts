// An ONNX file as plain data: its nodes in order, its weights, its inputs and outputs.

import { refuseExternalData } from "@driftline/client/onnxGuard";
import { type ProtobufField, protobufFields } from "@driftline/client/protobuf";
import { fail } from "../../errors/registry.ts";

/** Numbers of any type in row-major order; exact, as float64 holds all that graphs of this kind compute with. */
export interface Tensor {
  dtype: Dtype;
  shape: number[];
  data: Float64Array;
}

export type Dtype = "float32" | "float64" | "int32" | "int64" | "bool";
export type Attribute = number | string | number[] | Tensor;

export interface OnnxNode {
  name: string;
  operator: string;
  /** An empty name stands for an input that is left out. */
  inputs: string[];
  outputs: string[];
  attributes: Map<string, Attribute>;
}

export interface OnnxValue {
  name: string;
  dtype: Dtype | null;
  /** A string is a free dimension. */
  shape: (number | string)[];
}

export interface OnnxGraph {
  opset: number;
  nodes: OnnxNode[];
  weights: Map<string, Tensor>;
  inputs: OnnxValue[];
  outputs: OnnxValue[];
}

/** TensorProto.DataType. */
export const dtypes: Record<number, Dtype | undefined> = {
  1: "float32",
  6: "int32",
  7: "int64",
  9: "bool",
  11: "float64",
};

/** Reads the bytes of a model.onnx. Throws `invalid_bundle` where they are not a plain ONNX file. */
export function readOnnx(bytes: Uint8Array, source = "model.onnx"): OnnxGraph {
  refuseExternalData(bytes, source);
  const text = new TextDecoder();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const invalid = (what: string) =>
    fail("invalid_bundle", `${source} cannot be compiled: ${what}`, { field: source });
  const all = (field: { start: number; end: number }) =>
    protobufFields(bytes, field.start, field.end, invalid);
  const textOf = (field: ProtobufField) => text.decode(bytes.subarray(field.start, field.end));

  const graph: OnnxGraph = { opset: 0, nodes: [], weights: new Map(), inputs: [], outputs: [] };
  for (const field of all({ start: 0, end: bytes.length })) {
    if (field.number === 7) readGraph(field);
    if (field.number === 8) readOpset(field);
  }
  if (graph.opset === 0) throw invalid("it names no version of ONNX's operators");
  for (const name of graph.weights.keys()) {
    // Before IR version 4 weights had to be among the inputs.
    graph.inputs = graph.inputs.filter((input) => input.name !== name);
  }
  return graph;

  function readOpset(message: ProtobufField): void {
    let domain = "";
    let version = 0;
    for (const field of all(message)) {
      if (field.number === 1) domain = textOf(field);
      if (field.number === 2) version = field.value;
    }
    if (domain === "" || domain === "ai.onnx") graph.opset = version;
  }

  function readGraph(message: ProtobufField): void {
    for (const field of all(message)) {
      if (field.number === 1) graph.nodes.push(readNode(field));
      if (field.number === 5) {
        const { name, tensor } = readTensor(field);
        graph.weights.set(name, tensor);
      }
      if (field.number === 11) graph.inputs.push(readValue(field));
      if (field.number === 12) graph.outputs.push(readValue(field));
      if (field.number === 15) throw invalid("it has sparse weights");
    }
  }

  function readNode(message: ProtobufField): OnnxNode {
    const node: OnnxNode = { name: "", operator: "", inputs: [], outputs: [], attributes: new Map() };
    let domain = "";
    for (const field of all(message)) {
      if (field.number === 1) node.inputs.push(textOf(field));
      if (field.number === 2) node.outputs.push(textOf(field));
      if (field.number === 3) node.name = textOf(field);
      if (field.number === 4) node.operator = textOf(field);
      if (field.number === 5) readAttribute(field, node.attributes);
      if (field.number === 7) domain = textOf(field);
    }
    if (domain !== "" && domain !== "ai.onnx") node.operator = `${domain}.${node.operator}`;
    return node;
  }

  function readAttribute(message: ProtobufField, attributes: Map<string, Attribute>): void {
    let name = "";
    let value: Attribute | undefined;
    const integers: number[] = [];
    const floats: number[] = [];
    for (const field of all(message)) {
      if (field.number === 1) name = textOf(field);
      if (field.number === 2) value = view.getFloat32(field.start, true);
      if (field.number === 3) value = signed(field);
      if (field.number === 4) value = textOf(field);
      if (field.number === 5) value = readTensor(field).tensor;
      if (field.number === 7) floats.push(...numbers(field, 4));
      if (field.number === 8) integers.push(...signedNumbers(field));
    }
    if (floats.length > 0) value = floats;
    if (integers.length > 0) value = integers;
    if (value !== undefined) attributes.set(name, value);
  }

  function readTensor(message: ProtobufField): { name: string; tensor: Tensor } {
    let name = "";
    let dtype = 0;
    const shape: number[] = [];
    let data: number[] | Float64Array = [];
    let raw: ProtobufField | undefined;
    for (const field of all(message)) {
      if (field.number === 1) shape.push(...signedNumbers(field));
      if (field.number === 2) dtype = field.value;
      if (field.number === 4) data = [...data, ...numbers(field, 4)];
      if (field.number === 5 || field.number === 7) data = [...data, ...signedNumbers(field)];
      if (field.number === 8) name = textOf(field);
      if (field.number === 9) raw = field;
      if (field.number === 10) data = [...data, ...numbers(field, 8)];
    }
    const type = dtypes[dtype];
    if (type === undefined) throw invalid(`tensor ${JSON.stringify(name)} has ONNX data type ${dtype}`);
    if (raw !== undefined) data = rawNumbers(raw, type);
    const count = shape.reduce((product, n) => product * n, 1);
    if (data.length !== count) {
      throw invalid(`tensor ${JSON.stringify(name)} has ${data.length} values for [${shape.join(", ")}]`);
    }
    return { name, tensor: { dtype: type, shape, data: Float64Array.from(data) } };
  }

  function readValue(message: ProtobufField): OnnxValue {
    const value: OnnxValue = { name: "", dtype: null, shape: [] };
    for (const field of all(message)) {
      if (field.number === 1) value.name = textOf(field);
      if (field.number !== 2) continue;
      for (const type of all(field)) {
        if (type.number !== 1) continue;
        for (const part of all(type)) {
          if (part.number === 1) value.dtype = dtypes[part.value] ?? null;
          if (part.number === 2) value.shape = [...all(part)].map(readDimension);
        }
      }
    }
    return value;
  }

  function readDimension(message: ProtobufField): number | string {
    for (const field of all(message)) {
      if (field.number === 1) return signed(field);
      if (field.number === 2) return textOf(field);
    }
    return "";
  }

  /** An int64 that stands alone. */
  function signed(field: ProtobufField): number {
    return varintAt(field.start).value;
  }

  /** int64 values, packed or not. */
  function signedNumbers(field: ProtobufField): number[] {
    if (field.wire === 0) return [signed(field)];
    const found: number[] = [];
    for (let at = field.start; at < field.end; ) {
      const { value, next } = varintAt(at);
      found.push(value);
      at = next;
    }
    return found;
  }

  function varintAt(start: number): { value: number; next: number } {
    let value = 0n;
    let at = start;
    for (let shift = 0n; ; shift += 7n, at++) {
      if (at >= bytes.length || shift > 63n) throw invalid(`bad number at byte ${start}`);
      value |= BigInt(bytes[at] & 0x7f) << shift;
      if (bytes[at] < 0x80) break;
    }
    return { value: Number(BigInt.asIntN(64, value)), next: at + 1 };
  }

  /** Floats of `size` bytes, packed or not. */
  function numbers(field: ProtobufField, size: 4 | 8): number[] {
    const found: number[] = [];
    for (let at = field.start; at + size <= field.end; at += size) {
      found.push(size === 4 ? view.getFloat32(at, true) : view.getFloat64(at, true));
    }
    return found;
  }

  function rawNumbers(field: ProtobufField, dtype: Dtype): Float64Array {
    const size = { float32: 4, float64: 8, int32: 4, int64: 8, bool: 1 }[dtype];
    const read = {
      float32: (at: number) => view.getFloat32(at, true),
      float64: (at: number) => view.getFloat64(at, true),
      int32: (at: number) => view.getInt32(at, true),
      int64: (at: number) => Number(view.getBigInt64(at, true)),
      bool: (at: number) => view.getUint8(at),
    }[dtype];
    const count = Math.floor((field.end - field.start) / size);
    return Float64Array.from({ length: count }, (_, i) => read(field.start + i * size));
  }
}
