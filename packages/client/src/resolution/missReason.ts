// Why no model was found, in words.

import type { Question } from "../question/family.ts";
import { tolerances } from "./gridSteps.ts";
import type { Found } from "./search.ts";

interface Circumstances {
  /** The model of exactly this key, where it was taken out of service. */
  withdrawn: { bundle: string; reason: string } | null;
  /** Versions of the family that have models, where this one has none. */
  otherVersions: number[];
}

export function missReason(
  question: Question,
  accept: "exact" | "compatible",
  { fitting, nearest }: Found,
  { withdrawn, otherVersions }: Circumstances,
): string {
  const reasons: string[] = [];
  if (withdrawn !== null) {
    reasons.push(
      `Model ${short(withdrawn.bundle)} of exactly these conditions was withdrawn: ${withdrawn.reason}.`,
    );
  }
  if (nearest.length === 0) {
    const list =
      otherVersions.length === 0 ? "" : ` (there are models of version ${otherVersions.join(", ")})`;
    reasons.push(`No model serves ${question.family} version ${question.familyVersion}${list}.`);
  } else if (accept === "compatible") {
    reasons.push(
      `No model of ${question.family} has these labels and software and a measured domain that holds these conditions.`,
    );
  } else {
    reasons.push(`No model of ${question.family} was made for exactly these conditions and software.`);
    if (fitting) {
      const away = `${tolerances(fitting.distance ?? 0)} away`;
      reasons.push(
        `They are in the measured domain of model ${short(fitting.bundle)}, ${away}: compatible resolution accepts it.`,
      );
    }
  }
  return reasons.join(" ");
}

function short(digest: string): string {
  return digest.slice(0, 12);
}
