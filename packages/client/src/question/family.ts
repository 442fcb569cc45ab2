// What of a family a question is about: its conditions and software, as plain data that was checked where it was read.

/** A condition that is a number with a unit. Decimal strings are in canonical form, in `unit`. */
export interface QuantityCondition {
  kind: "quantity";
  name: string;
  description: string;
  unit: string;
  nominal: string | null;
  /** Values are rounded half-even to multiples of this step. */
  grid: string;
  /** Largest difference at which a model may be tested and used by `compatible` resolution; "0" for none. */
  tolerance: string;
  minimum: string;
  maximum: string;
}

/** A condition that is one of a list of words, or any word where `values` is null. */
export interface LabelCondition {
  kind: "label";
  name: string;
  description: string;
  values: string[] | null;
  nominal: string | null;
}

export type Condition = QuantityCondition | LabelCondition;

export interface SoftwareComponent {
  name: string;
  description: string;
  /** `name/version`, for example `driftline-tpc/1`. */
  nominal: string | null;
}

/** What a question is asked of; `inputs` are for the message to who takes one for a condition. */
export interface AskedFamily {
  name: string;
  version: number;
  conditions: Condition[];
  software: SoftwareComponent[];
  inputs: { name: string }[];
}

/** Values of all conditions of a family, in canonical form: decimal strings in the declared units, NFC labels. */
export type ConditionValues = Record<string, string>;
/** Versions of all software components of a family, `name/version`. */
export type SoftwareVersions = Record<string, string>;

/** A question asked of a family, made canonical. */
export interface Question {
  family: string;
  familyVersion: number;
  conditions: ConditionValues;
  software: SoftwareVersions;
  /** Names that were not given and took the nominal value. */
  defaulted: string[];
  /** Canonical JSON that the key is the hash of. */
  canonical: string;
  /** `k1-` and 64 hexadecimal digits. */
  key: string;
}
