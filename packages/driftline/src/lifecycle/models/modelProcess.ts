// A model that is not trusted yet, in a process of its own: one that hangs, or takes all memory, is ended with it.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { OnnxModel } from "@driftline/client/model";
import { workerUrl } from "../../config/workerUrl.ts";
import { type ErrorCode, fail } from "../../errors/registry.ts";
import { endProcesses, markVariable, memoryOf, newMark, offerToOomKiller } from "../../training/processes.ts";
import type { LoadedModel, ModelAnswer, ModelFault, ModelRequest } from "./modelHost.ts";

export interface ModelProcessOptions {
  /** Longest for loading, and for a piece of rows. */
  seconds: number;
  memoryMiB: number;
  signal?: AbortSignal;
  /** A directory of the attempt; see `runPython`. */
  attempt?: string;
  /** Code of errors that are the model's fault. */
  code: ErrorCode;
}

/** Rows that go to the process at once. */
const pieceRows = 4096;
const pollMs = 100;
const mib = 2 ** 20;

/** Loads a model from its bytes. Errors, here and of `run`: the code of the options, `cancelled`. */
export async function openModelProcess(bytes: Uint8Array, options: ModelProcessOptions): Promise<OnnxModel> {
  options.signal?.throwIfAborted();
  const { ask, close } = modelProcess(options);
  try {
    const loaded = await ask<LoadedModel>({ open: bytes });
    const { featureWidth, latentWidth, outputShape } = loaded;
    const outputSize = outputShape.reduce((product, n) => product * n, 1);
    return {
      ...loaded,
      async run(features, latent, rows) {
        const result = new Float32Array(rows * outputSize);
        for (let first = 0; first < rows; first += pieceRows) {
          const end = Math.min(rows, first + pieceRows);
          const piece = await ask<Float32Array>({
            rows: end - first,
            features: features.slice(first * featureWidth, end * featureWidth),
            latent: latent.slice(first * latentWidth, end * latentWidth),
          });
          result.set(piece, first * outputSize);
        }
        return result;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The process: it is asked one thing at a time, so that the time it takes is the model's own. */
function modelProcess({ code, signal, seconds, memoryMiB, attempt }: ModelProcessOptions) {
  const mark = newMark(attempt);
  const child = startHost(mark);
  const ended = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
  ended.catch(() => {});
  /** Why it was ended from here. */
  let broken: Error | undefined;
  const breakOff = (error: Error) => {
    broken ??= error;
    child.kill("SIGKILL");
  };
  const onAbort = () => breakOff(fail("cancelled", "Running the model: cancelled."));
  signal?.addEventListener("abort", onAbort, { once: true });
  const memory = setInterval(() => {
    const held = memoryOf(child.pid === undefined ? [] : [child.pid], memoryMiB * mib);
    if (held <= memoryMiB * mib) return;
    breakOff(
      fail(
        code,
        `Running the model: it was ended because it held ${Math.round(held / mib)} MiB of memory, of ${memoryMiB} allowed.`,
        {
          field: "limits.memoryMiB",
          remedy: "Export a smaller model, or raise limits.memoryMiB if it is right.",
        },
      ),
    );
  }, pollMs);

  let last: Promise<unknown> = Promise.resolve();
  function ask<T extends LoadedModel | Float32Array>(request: ModelRequest): Promise<T> {
    const answer = last.then(() => askNow<T>(request));
    last = answer.catch(() => {});
    return answer;
  }

  async function askNow<T>(request: ModelRequest): Promise<T> {
    if (broken) throw broken;
    const timer = setTimeout(() => {
      const what = `it gave no answer within ${seconds} seconds and was ended`;
      breakOff(
        fail(code, `Running the model: ${what}.`, {
          field: "limits.modelSeconds",
          remedy: "Look for loops in the graph; if it is only slow, raise limits.modelSeconds.",
        }),
      );
    }, seconds * 1000);
    const answered = new AbortController();
    try {
      child.send(request, () => {});
      const answer = await Promise.race([
        once(child, "message", { signal: answered.signal }).then(([message]) => message as ModelAnswer),
        ended.then(([status, killedBy]): ModelAnswer => {
          throw diedOf(code, status, killedBy);
        }),
      ]);
      if ("error" in answer) throw modelError(code, answer.error);
      return answer.value as T;
    } catch (error) {
      throw broken ?? error;
    } finally {
      clearTimeout(timer);
      answered.abort();
    }
  }

  async function close(): Promise<void> {
    clearInterval(memory);
    signal?.removeEventListener("abort", onAbort);
    breakOff(fail("internal", "Running a model that was closed."));
    await ended.catch(() => {});
    await endProcesses(mark);
  }

  return { ask, close };
}

function diedOf(code: ErrorCode, status: number | null, killedBy: NodeJS.Signals | null): Error {
  return fail(code, `Running the model: its process ended with ${killedBy ?? `status ${status}`}.`, {
    field: "model.onnx",
    remedy: "The runtime died of this model; export it with plain operators.",
    // The system ends what takes too much memory; other signals are the model's doing.
    data: killedBy === "SIGKILL" ? { signal: killedBy } : undefined,
  });
}

function modelError(code: ErrorCode, { code: theirs, message, field, remedy }: ModelFault): Error {
  return fail(theirs === "invalid_bundle" ? code : (theirs as ErrorCode), message, { field, remedy });
}

function startHost(mark: string): ChildProcess {
  const child = fork(fileURLToPath(workerUrl(import.meta.url, "./modelHost.ts")), {
    serialization: "advanced",
    execArgv: ["--disable-warning=ExperimentalWarning"],
    // A session of its own: Ctrl-C in a terminal is for the worker, who decides what becomes of this process.
    detached: true,
    // What the runtime prints about a hostile model is nobody's concern: its errors come as answers.
    stdio: ["ignore", "ignore", "ignore", "ipc"],
    env: { ...process.env, [markVariable]: mark },
  });
  if (child.pid !== undefined) offerToOomKiller(child.pid);
  child.on("error", () => {});
  return child;
}
