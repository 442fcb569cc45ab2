// Words in a key: labels and software versions, normalised so that the same word always has the same characters.

import { DriftlineError } from "../error.ts";
import type { LabelCondition, SoftwareComponent } from "./family.ts";
import { nearestName } from "./nearestName.ts";
import { quoted } from "./quantity.ts";

const maxCharacters = 200;
/** Printable ASCII without spaces at the ends: already normalised, and nearly every label. */
const plain = /^[!-~](?:[ -~]*[!-~])?$/;
const forbidden = /[\p{Cc}\u2028\u2029]/u;
const spaceAtEnds = /^\p{Zs}|\p{Zs}$/u;

/** The word in normalisation form C, or what is wrong with it. */
export function normalise(given: string): { word: string } | { problem: string } {
  if (given.length <= maxCharacters && plain.test(given)) return { word: given };
  if (given === "") return { problem: "is empty" };
  // Normalising can shorten by composing, hardly by more than a factor of 4: no need to normalise a megabyte.
  if (given.length > 8 * maxCharacters) return { problem: `is longer than ${maxCharacters} characters` };
  if (!given.isWellFormed()) return { problem: "has half of a surrogate pair" };
  const word = given.normalize("NFC");
  if ([...word].length > maxCharacters) return { problem: `is longer than ${maxCharacters} characters` };
  if (forbidden.test(word)) return { problem: "has control characters or line breaks" };
  if (spaceAtEnds.test(word)) return { problem: "begins or ends with a space" };
  return { word };
}

export function labelParser(condition: LabelCondition): (given: unknown) => string {
  const values = condition.values && new Set(condition.values);
  return (given) => {
    if (typeof given !== "string") throw badLabel(condition, given, "is not a word");
    const result = normalise(given);
    if ("problem" in result) throw badLabel(condition, given, result.problem);
    if (values && !values.has(result.word))
      throw badLabel(condition, given, "is not among the allowed values");
    return result.word;
  };
}

function badLabel({ name, values }: LabelCondition, given: unknown, what: string): DriftlineError {
  const nearest = values && typeof given === "string" ? nearestName(given, values) : null;
  return new DriftlineError("invalid_label", `Condition ${name}: ${quoted(given)} ${what}.`, {
    field: `conditions.${name}`,
    remedy: values
      ? `${nearest ? `Did you mean ${nearest}? ` : ""}Allowed: ${values.join(", ")}.`
      : `Give a word of 1 to ${maxCharacters} characters, without control characters or spaces at its ends.`,
  });
}

export function softwareParser(component: SoftwareComponent): (given: unknown) => string {
  return (given) => {
    if (typeof given !== "string") throw badVersion(component, given, "is not a text");
    const result = normalise(given);
    if ("problem" in result) throw badVersion(component, given, result.problem);
    if (!isNameAndVersion(result.word)) throw badVersion(component, given, "is not of the form name/version");
    return result.word;
  };
}

/** One slash, something without spaces on either side of it. */
function isNameAndVersion(word: string): boolean {
  return /^[^/\p{Zs}]+\/[^/\p{Zs}]+$/u.test(word);
}

function badVersion({ name, nominal }: SoftwareComponent, given: unknown, what: string): DriftlineError {
  return new DriftlineError("invalid_software", `Software ${name}: ${quoted(given)} ${what}.`, {
    field: `software.${name}`,
    remedy: `Write name/version, such as ${nominal ?? "mpdroot/unknown"}, without spaces.`,
  });
}
