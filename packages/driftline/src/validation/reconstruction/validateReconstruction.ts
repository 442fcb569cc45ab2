// High-level validation: what the experiment's reconstruction would make of the model, against the same with the simulator.

import type { GateResult } from "@driftline/client/api";
import { compareHits } from "./compareHits.ts";
import { type ComparedTracks, compareTracks } from "./compareTracks.ts";
import type { ReconstructionFigure } from "./figures.ts";
import { leastRows, type ReconstructionOptions } from "./options.ts";
import { judgeFound, judgeRatios, type Limits, outside } from "./verdict.ts";

/** What the validation of reconstruction found; plain data, as validation.json keeps it. */
export interface Reconstruction {
  /** What could not be done and why, in sentences; empty where all was. */
  notes: string[];
  /** Null where none were made. */
  tracks: ComparedTracks["tracks"] | null;
  figures: ReconstructionFigure[];
  gates: GateResult[];
  /** By quantity, the bins whose ratio is outside the limits, though their interval may reach them. */
  outside: string[];
  limits: Limits;
  seconds: number;
}

/** Follows the steps of docs/validation.md. Throws `invalid_bundle` for output of a wrong size, and `cancelled`. */
export async function validateReconstruction(options: ReconstructionOptions): Promise<Reconstruction> {
  const started = performance.now();
  const { notes, rows, pt } = coverage(options);
  const found =
    options.simulate && rows >= leastRows && pt !== null
      ? await compareTracks(options, pt, options.simulate)
      : { tracks: null, figures: await compareHits(options) };
  const { tracks } = options.policy;
  if (found.tracks && found.tracks.used < tracks) {
    notes.push(
      `${found.tracks.used} tracks in place of ${tracks}: of ${found.tracks.drawn} drawn no others have ${leastRows} rows.`,
    );
  }
  const { resolution, dedx, hit, cluster } = options.policy;
  const limits = { resolution, dedx, hit, cluster };
  return {
    notes,
    tracks: found.tracks,
    figures: found.figures,
    gates: found.tracks ? [judgeFound(found.tracks.hits, limits), ...judgeRatios(found.figures, limits)] : [],
    outside: named(outside(found.figures, limits)),
    limits,
    seconds: (performance.now() - started) / 1000,
  };
}

function named(figures: ReconstructionFigure[]): string[] {
  const groups = Map.groupBy(figures, ({ quantity }) => quantity);
  return [...groups].map(([quantity, bins]) => `${quantity} (${bins.map(({ bin }) => bin).join(", ")})`);
}

/** What of the policy the model's inputs allow, and the sentences that say what they do not. */
function coverage({ policy, covered, simulate }: ReconstructionOptions) {
  const notes: string[] = [];
  const [row, momentum] = [covered.pad_row, covered.pt];
  const rows = row.high - row.low + 1;
  if (rows < leastRows) {
    const which = row.low === row.high ? `pad row ${row.low}` : `pad rows ${row.low} to ${row.high}`;
    notes.push(`Tracks: not applicable, inputs cover ${which} only; a track needs ${leastRows} rows.`);
  }
  const low = Math.max(policy.pt.low, momentum.low);
  const high = Math.min(policy.pt.high, momentum.high);
  const pt = high > 1.01 * low ? { low, high } : null;
  const short = (value: number) => Number(value.toPrecision(3));
  if (pt === null) {
    notes.push(
      `Tracks: not applicable, inputs cover pT ${short(momentum.low)} to ${short(momentum.high)} GeV/c only.`,
    );
  } else if (low > policy.pt.low || high < policy.pt.high) {
    notes.push(`Tracks of ${short(low)} to ${short(high)} GeV/c only: the inputs cover no others.`);
  }
  if (!simulate) {
    notes.push(
      "Tracks: not applicable, nothing here simulates the same tracks. Hits of held-out responses are compared, not gated.",
    );
  }
  return { notes, rows, pt };
}
