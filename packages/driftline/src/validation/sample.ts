// What validation compares: responses at inputs, each input drawn one or more times, cut at the threshold.

import { fail } from "../errors/registry.ts";
import type { OutputImage } from "../family/family.ts";
import type { ResponseBatch } from "../family/responses.ts";

/** `draws` responses at each of `events` inputs. Row d · events + e is draw d of event e. */
export interface Sample {
  events: number;
  draws: number;
  /** events × inputs, row-major: the same for every draw. */
  features: Float32Array;
  /** draws × events × axis 0 × axis 1. */
  responses: Float32Array;
}

/** Responses at given inputs. `draw` numbers independent repetitions; the same number gives the same responses. */
export type Generate = (features: Float32Array, rows: number, draw: number) => Promise<Float32Array>;

export function cellsOf(output: OutputImage): number {
  return output.axes[0].size * output.axes[1].size;
}

/** Sets amplitudes below `threshold`, and those that are no finite number, to 0 in place; counts the latter. */
export function applyThreshold(responses: Float32Array, threshold: number): number {
  let notFinite = 0;
  for (let i = 0; i < responses.length; i++) {
    const amplitude = responses[i];
    if (amplitude >= threshold && amplitude < Infinity) continue;
    if (!Number.isFinite(amplitude)) notFinite++;
    responses[i] = 0;
  }
  return notFinite;
}

/** Rows `rows` of a batch, cut at the threshold: a sample with one draw. */
export function selectRows(
  batch: ResponseBatch,
  rows: Int32Array,
  output: OutputImage,
  threshold: number,
): Sample {
  const inputs = batch.features.length / batch.rows;
  const cells = cellsOf(output);
  const features = new Float32Array(rows.length * inputs);
  const responses = new Float32Array(rows.length * cells);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    features.set(batch.features.subarray(row * inputs, (row + 1) * inputs), i * inputs);
    responses.set(batch.responses.subarray(row * cells, (row + 1) * cells), i * cells);
  }
  applyThreshold(responses, threshold);
  return { events: rows.length, draws: 1, features, responses };
}

/**
 * Draws `firstDraw` … `firstDraw + draws - 1` of `generate` at the inputs of `at`, and the share of finite amplitudes.
 * Throws `invalid_bundle` where the number of values is wrong.
 */
export async function drawSample(
  generate: Generate,
  at: Sample,
  firstDraw: number,
  draws: number,
  output: OutputImage,
  threshold: number,
): Promise<{ sample: Sample; finite: number }> {
  const size = at.events * cellsOf(output);
  const responses = new Float32Array(draws * size);
  let notFinite = 0;
  for (let d = 0; d < draws; d++) {
    const drawn = await generate(at.features, at.events, firstDraw + d);
    if (drawn.length !== size) {
      throw fail(
        "invalid_bundle",
        `Validating: asked for ${at.events} responses of ${output.axes[0].size} × ${output.axes[1].size}, ` +
          `the generator gave ${drawn.length} values in place of ${size}.`,
        { field: output.name, remedy: "The model's output must have the shape that the family declares." },
      );
    }
    responses.set(drawn, d * size);
  }
  notFinite += applyThreshold(responses, threshold);
  return {
    sample: { events: at.events, draws, features: at.features, responses },
    finite: 1 - notFinite / responses.length,
  };
}

/** Some of the draws of a sample, without copying. */
export function someDraws(sample: Sample, first: number, draws: number): Sample {
  const size = sample.responses.length / sample.draws;
  return { ...sample, draws, responses: sample.responses.subarray(first * size, (first + draws) * size) };
}

/** Rows `from` to `to` of a sample with one draw. */
export function someEvents(sample: Sample, from: number, to: number): Sample {
  const inputs = sample.features.length / sample.events;
  const cells = sample.responses.length / sample.events;
  return {
    events: to - from,
    draws: 1,
    features: sample.features.subarray(from * inputs, to * inputs),
    responses: sample.responses.subarray(from * cells, to * cells),
  };
}
