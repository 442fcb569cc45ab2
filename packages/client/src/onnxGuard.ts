// Refuses ONNX bytes that would make the runtime read other files, before the runtime sees them.
//
// ONNX Runtime follows external data of a model loaded from bytes relative to the working directory, so what it would
// compute with was never verified. This walks the messages of onnx.proto (ONNX 1.23, IR version 14) down to every
// TensorProto. Messages that a protobuf parser would read otherwise than this walk (groups, long tags) are refused.

import { DriftlineError } from "./error.ts";
import { protobufFields } from "./protobuf.ts";

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
  for (const field of protobufFields(bytes, start, end, (what) => malformed(source, what))) {
    if (field.wire === 0) {
      if (kind === "tensor" && field.number === tensorDataLocation && field.value !== 0) external = true;
    } else if (field.wire === 2) {
      const child = children[kind][field.number];
      if (child !== undefined) walk(bytes, field.start, field.end, child, depth + 1, source);
      if (kind === "tensor" && field.number === tensorExternalData) external = true;
      if (kind === "tensor" && field.number === tensorName) {
        name = new TextDecoder().decode(bytes.subarray(field.start, Math.min(field.end, field.start + 200)));
      }
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

function malformed(source: string, what: string): DriftlineError {
  return new DriftlineError("invalid_bundle", `${source} is not a plain ONNX file: ${what}`, {
    field: source,
    remedy: "Export the model as ONNX with opset 18, with all its weights inside.",
  });
}
