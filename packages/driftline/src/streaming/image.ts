// Digits to the output's image: cell index = number - trunc(coordinate) - first, for each of the two axes.

import type { InputFeature, OutputImage } from "../family/family.ts";

export interface ImageCuts {
  /** Amplitudes below count as zero; null for no cut. */
  threshold: number | null;
  /** Amplitudes above are set to this; null for none. */
  saturation: number | null;
}

export interface Digits {
  /** Numbers on axis 0 and 1 (pad, time bin) and amplitudes, of digits `from` to `to` - 1. */
  numbers: [ArrayLike<number>, ArrayLike<number>];
  amplitudes: ArrayLike<number>;
  from: number;
  to: number;
}

/** What became of the digits of one response. `problem` says what is wrong with digit `at`. */
export interface Placed {
  outside: number;
  belowThreshold: number;
  saturated: number;
  problem: string | null;
}

/**
 * Places the digits of one response into `image` (axis 0 × axis 1, zeros on entry). `features` are the response's
 * inputs as the model gets them, in float32: the window is placed by the same numbers that the model sees.
 */
export function imager(inputs: InputFeature[], output: OutputImage, { threshold, saturation }: ImageCuts) {
  const [first, second] = output.axes;
  const coordinates = [first, second].map((axis) => inputs.findIndex(({ name }) => name === axis.coordinate));
  const cut = threshold ?? Number.NEGATIVE_INFINITY;
  const top = saturation ?? Number.POSITIVE_INFINITY;
  return (image: Float32Array, features: Float32Array, digits: Digits): Placed => {
    const placed: Placed = { outside: 0, belowThreshold: 0, saturated: 0, problem: null };
    const origin0 = Math.trunc(features[coordinates[0]]) + first.first;
    const origin1 = Math.trunc(features[coordinates[1]]) + second.first;
    const filled = new Uint8Array(image.length);
    for (let k = digits.from; k < digits.to; k++) {
      const number0 = digits.numbers[0][k];
      const number1 = digits.numbers[1][k];
      const amplitude = digits.amplitudes[k];
      if (!Number.isFinite(amplitude)) placed.problem = `amplitude ${amplitude}`;
      else if (!Number.isInteger(number0)) placed.problem = `${first.name} number ${number0}`;
      else if (!Number.isInteger(number1)) placed.problem = `${second.name} number ${number1}`;
      if (placed.problem) return placed;
      const i = number0 - origin0;
      const j = number1 - origin1;
      if (i < 0 || i >= first.size || j < 0 || j >= second.size) {
        placed.outside++;
        continue;
      }
      const cell = i * second.size + j;
      if (filled[cell]) {
        placed.problem = `two digits with ${first.name} ${number0} and ${second.name} ${number1}`;
        return placed;
      }
      filled[cell] = 1;
      if (amplitude < cut) placed.belowThreshold++;
      else {
        image[cell] = Math.min(amplitude, top);
        if (amplitude > top) placed.saturated++;
      }
    }
    return placed;
  };
}
