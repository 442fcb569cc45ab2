// Refuses ONNX bytes that would make the runtime read other files, before the runtime sees them.
//
// ONNX Runtime follows external data of a model loaded from bytes relative to the working directory, so what it would
// compute with was never verified. This walks the messages of onnx.proto (ONNX 1.23, IR version 14) down to every
// TensorProto. Messages that a protobuf parser would read otherwise than this walk (groups, long tags) are refused.

import { DriftlineError } from "./error.ts";

type Message = "model" | "training" | "graph" | "function" | "node" | "attribute" | "sparse" | "tensor";

/** Field numbers that lead to tensors, by message. */
const children: Record<Message, Record<number, Message>> = {
  model: { 7: "graph", 20: "training", 25: "function" },
  training: { 1: "graph", 2: "graph" },
  graph: { 1: "node", 5: "tensor", 15: "sparse" },
  function: { 7: "node", 11: "attribute" },
  node: { 5: "attribute" },
  attribute: { 5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse" },
  sparse: { 1: "tensor", 2: "tensor" },
  tensor: {},
};
const tensorName = 8;
const tensorExternalData = 13;
const tensorDataLocation = 14;
/** Subgraphs within subgraphs; the protobuf parser's own limit on nested messages is 100. */
const maximumDepth = 100;

/** Throws `invalid_bundle` if the model refers to data in other files or is not a plain ONNX protobuf. */
export function refuseExternalData(bytes: Uint8Array, source: string): void {
  // The runtime also takes its own flatbuffer format, known by this mark.
  if (String.fromCharCode(...bytes.subarray(4, 8)) === "ORTM") {
    throw malformed(source, "it is in ONNX Runtime's own format");
  }
  walk(bytes, 0, bytes.length, "model", 0, source);
}

function walk(bytes: Uint8Array, start: number, end: number, kind: Message, depth: number, source: string) {
  if (depth > maximumDepth) throw malformed(source, `messages are nested more than ${maximumDepth} deep`);
  let name = "";
  let external = false;
  let at = start;
  while (at < end) {
    const tag = varint(bytes, at, end, 5, source);
    at = tag.next;
    const field = Math.floor(tag.value / 8);
    const wire = tag.value % 8;
    if (tag.value >= 2 ** 32 || field === 0) throw malformed(source, `bad field tag at byte ${at}`);
    if (wire === 0) {
      const value = varint(bytes, at, end, 10, source);
      at = value.next;
      if (kind === "tensor" && field === tensorDataLocation && value.value !== 0) external = true;
    } else if (wire === 2) {
      const length = varint(bytes, at, end, 5, source);
      at = length.next;
      if (at + length.value > end) throw malformed(source, `a field at byte ${at} goes beyond its message`);
      const child = children[kind][field];
      if (child !== undefined) walk(bytes, at, at + length.value, child, depth + 1, source);
      if (kind === "tensor" && field === tensorExternalData) external = true;
      if (kind === "tensor" && field === tensorName) {
        name = new TextDecoder().decode(bytes.subarray(at, at + Math.min(length.value, 200)));
      }
      at += length.value;
    } else if (wire === 1 || wire === 5) {
      at += wire === 1 ? 8 : 4;
      if (at > end) throw malformed(source, `a field at byte ${at} goes beyond its message`);
    } else {
      throw malformed(source, `field of wire type ${wire} at byte ${at}`);
    }
  }
  if (external) {
    throw new DriftlineError(
      "invalid_bundle",
      `${source} keeps tensor ${JSON.stringify(name)} in another file`,
      {
        field: source,
        remedy: "Export the model with all its weights inside the one ONNX file.",
      },
    );
  }
}

function varint(bytes: Uint8Array, at: number, end: number, longest: number, source: string) {
  let value = 0;
  for (let i = 0; i < longest && at + i < end; i++) {
    value += (bytes[at + i] & 0x7f) * 2 ** (7 * i);
    if (bytes[at + i] < 0x80) return { value, next: at + i + 1 };
  }
  throw malformed(source, `cut off or bad number at byte ${at}`);
}

function malformed(source: string, what: string): DriftlineError {
  return new DriftlineError("invalid_bundle", `${source} is not a plain ONNX file: ${what}`, {
    field: source,
    remedy: "Export the model as ONNX with opset 18, with all its weights inside.",
  });
}
