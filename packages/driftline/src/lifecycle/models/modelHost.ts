// The process that runs a model for modelProcess.ts: opens it, answers with responses, and ends with its parent.

import { flushCompileCache } from "node:module";
import { Worker } from "node:worker_threads";
import { type OnnxModel, openModel } from "@driftline/client/model";
import { DriftlineError } from "../../errors/registry.ts";

/** What a model says of itself once it is loaded. */
export type LoadedModel = Omit<OnnxModel, "run" | "close">;

export type ModelRequest =
  | { open: Uint8Array }
  | { rows: number; features: Float32Array; latent: Float32Array };

export interface ModelFault {
  code: string;
  message: string;
  field?: string;
  remedy?: string;
}

export type ModelAnswer = { value: LoadedModel | Float32Array } | { error: ModelFault };

// The runtime keeps this thread: another one has to notice that the parent is gone.
const watch = `
  const { ppid } = process;
  setInterval(() => { if (process.ppid !== ppid) process.kill(process.pid, "SIGKILL"); }, 500);`;
new Worker(watch, { eval: true }).unref();

let model: OnnxModel | undefined;

async function answer(request: ModelRequest): Promise<ModelAnswer> {
  try {
    if ("open" in request) {
      model = await openModel(request.open);
      // This process will be killed: what it compiled would be lost.
      flushCompileCache();
      const { run: _run, close: _close, ...loaded } = model;
      return { value: loaded };
    }
    if (!model) throw new Error("no model is open");
    return { value: await model.run(request.features, request.latent, request.rows) };
  } catch (error) {
    const { message } = error as Error;
    if (!(error instanceof DriftlineError)) {
      const remedy =
        "ONNX Runtime refuses what the graph does with these inputs; run it by hand to see where.";
      const what = message.replaceAll(/\s+/g, " ").slice(0, 500).trim();
      return {
        error: {
          code: "invalid_bundle",
          message: `model.onnx cannot be run: ${what}`,
          field: "model.onnx",
          remedy,
        },
      };
    }
    const { code, field, remedy } = error;
    return { error: { code, message, field, remedy } };
  }
}

process.on("message", (request: ModelRequest) => {
  void answer(request).then((found) => process.send?.(found));
});
process.on("disconnect", () => process.exit());
