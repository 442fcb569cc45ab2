// What a family is once family.yaml has been read and checked: plain data that every other room works from.

import type { Condition, SoftwareComponent } from "@driftline/client/question/family";

export type {
  Condition,
  ConditionValues,
  LabelCondition,
  QuantityCondition,
  Question,
  SoftwareComponent,
  SoftwareVersions,
} from "@driftline/client/question/family";

export interface InputFeature {
  name: string;
  description: string;
  unit: string;
  low: number;
  high: number;
  integer: boolean;
}

/** One axis of the output image: cell i holds number `trunc(coordinate) + first + i` of pad, time bin, ... */
export interface OutputAxis {
  name: string;
  size: number;
  coordinate: string;
  first: number;
}

export interface OutputImage {
  name: string;
  unit: string;
  axes: [OutputAxis, OutputAxis];
  /** Name of the condition below whose value amplitudes count as zero; null for none. */
  threshold: string | null;
  /** Name of the condition that is the standard deviation of the noise in each cell; null for none. */
  noise: string | null;
  saturation: number | null;
}

export interface FileMapping {
  tree: string;
  inputs: Record<string, string>;
  /** Axis name (and `amplitude`) to jagged branch. */
  output: Record<string, string>;
  saturation: number | null;
}

/** What makes responses: an embedded simulator by name, or an external program where `command` is given. */
export interface SimulatorSource {
  name: string;
  version: number;
  /** Program and arguments; it is given the path of a request file and writes a file that `data.files` maps. */
  command: string[] | null;
  format: "root" | "parquet" | null;
}

export interface Gate {
  metric: string;
  minimum?: number;
  maximum?: number;
}

/** How tracks through the whole detector are reconstructed, with the model and with the simulator. */
export interface ReconstructionPolicy {
  /** Geometry: the pad rows of a time projection chamber. */
  detector: "tpc";
  tracks: number;
  /** Transverse momentum, GeV/c. */
  pt: { low: number; high: number };
  /** Angle to the bending plane, degrees. */
  dip: { low: number; high: number };
  /** Limits of the resolutions of DCA, momentum and angles with the model over those with the simulator. */
  resolution: { minimum: number; maximum: number };
  /** The same for the energy loss. */
  dedx: { minimum: number; maximum: number };
  /** The same for the residuals of single hits. */
  hit: { minimum: number; maximum: number };
  /** The same for the mean widths and charges of clusters. */
  cluster: { minimum: number; maximum: number };
}

export interface Family {
  name: string;
  version: number;
  title: string;
  description: string;
  conditions: Condition[];
  software: SoftwareComponent[];
  inputs: InputFeature[];
  output: OutputImage;
  data: {
    rows: number;
    split: { train: number; validation: number; test: number };
    simulator: SimulatorSource | null;
    files: FileMapping | null;
  };
  training: {
    trainer: string;
    model: string;
    seed: number;
    threads: number;
    hyperparameters: Record<string, unknown>;
    /** Whose weights a training starts from. */
    warmStart: "none" | "nearest";
  };
  validation: {
    /** Held-out rows that the gated figures use at most: thresholds of chi-squared and distances belong to a size. */
    rows: number;
    /** Rounds of the boosted classifiers, where not the usual ones. */
    classifierRounds?: number;
    gates: Gate[];
    domain: { rows: number; corners: number; gates: Gate[] } | null;
    reconstruction: ReconstructionPolicy | null;
  };
  /** Where it was read from, for messages. */
  source: string;
}
