// What a bundle made elsewhere says of itself, held against the family as it is here, before anything is run.

import type { BundleManifest } from "@driftline/client/bundle";
import { type DriftlineError, fail } from "../../errors/registry.ts";
import type { Family, QuantityCondition, Question } from "../../family/family.ts";
import { quantityParser, shifted } from "../../family/quantity.ts";
import { canonicalQuestion } from "../../family/question.ts";

/** A reference that is met only so loosely says nothing. */
const loosestTolerance = 1e-3;

export interface Claims {
  family: Family;
  /** Made anew from the bundle's conditions and software by the family here. */
  question: Question;
}

/**
 * Family and question of a bundle. `judgedByFiles`: responses come from files, which may cover less than the family's
 * inputs. Throws `unknown_family`, what a question can be refused for, `invalid_bundle`, and `refused` where a claim
 * cannot be tested here.
 */
export function checkClaims(
  families: Map<string, Family>,
  manifest: BundleManifest,
  judgedByFiles: boolean,
): Claims {
  const family = familyOf(families, manifest);
  const { conditions, software } = manifest;
  const question = canonicalQuestion(family, { conditions, software });
  if (question.key !== manifest.key) {
    throw wrong(
      "conditions",
      `its key is ${manifest.key}; the family here gives its conditions ${question.key}`,
    );
  }
  const { absolute, relative } = manifest.tolerance;
  for (const [name, value] of Object.entries({ absolute, relative })) {
    if (!(value >= 0 && value <= loosestTolerance)) {
      throw wrong(`tolerance.${name}`, `it is ${value}; 0 to ${loosestTolerance} is allowed`);
    }
  }
  checkInputs(family, manifest, judgedByFiles);
  checkSignature(family, manifest);
  checkConditions(family, question, manifest, judgedByFiles);
  return { family, question };
}

function familyOf(families: Map<string, Family>, { family: name, familyVersion }: BundleManifest): Family {
  const family = families.get(name);
  const here = [...families.values()].map((each) => `${each.name} version ${each.version}`).join(", ");
  if (family?.version === familyVersion) return family;
  throw fail(
    "unknown_family",
    family === undefined
      ? `Receiving a bundle: it is of family ${JSON.stringify(name.slice(0, 80))}, which is not known here.`
      : `Receiving a bundle: it is of version ${familyVersion} of ${name}; here it is version ${family.version}.`,
    {
      field: family === undefined ? "family" : "familyVersion",
      remedy: `Families here: ${here || "none"}. Give the receiver the family.yaml that the bundle was made with (setting families).`,
    },
  );
}

function checkInputs(family: Family, { domain }: BundleManifest, judgedByFiles: boolean): void {
  checkNames("domain.inputs", family.inputs, domain.inputs);
  for (const { name, unit, low, high } of family.inputs) {
    const claimed = domain.inputs[name];
    const field = `domain.inputs.${name}`;
    if (claimed.unit !== unit) throw wrong(field, `its unit is ${claimed.unit}, the family's ${unit}`);
    const words = `it is ${claimed.low} to ${claimed.high}, the family's ${low} to ${high}`;
    if (!(claimed.low >= low && claimed.high <= high && claimed.low <= claimed.high))
      throw wrong(field, words);
    if (!judgedByFiles && (claimed.low !== low || claimed.high !== high)) {
      throw fail("refused", `Receiving a bundle: ${field}: ${words}; the simulator covers all of it.`, {
        field,
        remedy: "Name files with responses in the bundle's range: --data FILE, by paths of the receiver.",
      });
    }
  }
}

/** Names and ranges by which consumers prepare their inputs. */
function checkSignature({ inputs, output }: Family, { signature, domain }: BundleManifest): void {
  const features = signature.inputs.find(({ name }) => name === "features");
  const columns = features?.columns ?? [];
  const said = (list: { name: string; unit: string; low: number; high: number }[]) =>
    list.map(({ name, unit, low, high }) => `${name} [${unit}] ${low} to ${high}`).join(", ");
  const wanted = inputs.map(({ name, unit }) => ({ name, unit, ...rangeOf(domain.inputs[name]) }));
  if (said(columns) !== said(wanted)) {
    throw wrong(
      "signature.inputs",
      `its columns are ${said(columns) || "missing"}; they must be ${said(wanted)}`,
    );
  }
  const [response] = signature.outputs;
  if (signature.outputs.length !== 1 || response.unit !== output.unit) {
    throw wrong("signature.outputs", `it must be one output in ${output.unit}`);
  }
}

function rangeOf({ low, high }: { low: number; high: number }) {
  return { low, high };
}

function checkConditions(
  family: Family,
  question: Question,
  { domain }: BundleManifest,
  judgedByFiles: boolean,
): void {
  const quantities = family.conditions.filter((condition) => condition.kind === "quantity");
  checkNames("domain.conditions", quantities, domain.conditions);
  for (const condition of quantities) {
    const claimed = domain.conditions[condition.name];
    const own = question.conditions[condition.name];
    const field = `domain.conditions.${condition.name}`;
    if (claimed.unit !== condition.unit) {
      throw wrong(field, `its unit is ${claimed.unit}, the family's ${condition.unit}`);
    }
    const [low, high] = ([-1, 1] as const).map((sign) => Number(shifted(condition, own, sign)));
    const contains = claimed.low <= Number(own) && claimed.high >= Number(own);
    if (!contains || claimed.low < low || claimed.high > high) {
      throw wrong(
        field,
        `it is ${claimed.low} to ${claimed.high}; ${low} to ${high} around ${own} can be tested`,
      );
    }
    if (!isOnGrid(condition, claimed.low) || !isOnGrid(condition, claimed.high)) {
      throw wrong(
        field,
        `${claimed.low} to ${claimed.high} is not on the family's grid of ${condition.grid}`,
      );
    }
    const isBox = claimed.low < claimed.high;
    if (claimed.tested !== isBox) throw wrong(field, `tested is ${claimed.tested} for one value or a range`);
    if (isBox && (judgedByFiles || family.validation.domain === null)) {
      const why = judgedByFiles ? "files" : "a family without a policy for it";
      throw fail("refused", `Receiving a bundle: ${field} claims ${claimed.low} to ${claimed.high}.`, {
        field,
        remedy: `With ${why} nothing but the bundle's own conditions can be tested: push one that claims no more.`,
      });
    }
  }
}

function isOnGrid(condition: QuantityCondition, value: number): boolean {
  return Number(quantityParser(condition)(value)) === value;
}

function checkNames(field: string, wanted: { name: string }[], given: object): void {
  const [here, there] = [wanted.map(({ name }) => name).sort(), Object.keys(given).sort()];
  if (here.join() === there.join()) return;
  throw wrong(
    field,
    `it has ${there.join(", ") || "nothing"}; the family has ${here.join(", ") || "nothing"}`,
  );
}

function wrong(field: string, what: string): DriftlineError {
  const shown = what.length > 600 ? `${what.slice(0, 600)}…` : what;
  return fail("invalid_bundle", `Receiving a bundle: ${field}: ${shown}.`, {
    field,
    remedy: "Make the bundle with the family.yaml that the receiver has.",
  });
}
