// Stage of a pushed bundle in the place of measuring its domain: the box of conditions that it claims must pass at every end.

import { uniforms } from "@driftline/client/noise";
import type { ConditionValues } from "../../family/family.ts";
import { quantityParser } from "../../family/quantity.ts";
import { openFamilyModel } from "../models/familyModel.ts";
import { type DomainOutput, inParallel, testPoint } from "./domain.ts";
import type { ReceiveOutput } from "./receive.ts";
import { modelLimits, type StageContext, type StageDefinition, type StageRun, secondsLeft } from "./stage.ts";
import { validationSeedOffset } from "./validate.ts";

interface End {
  name: string;
  unit: string;
  value: string;
}

export const claimedDomainStage: StageDefinition<{ received: ReceiveOutput }, DomainOutput> = {
  name: "domain",
  input: ({ family, question, recipe, environment }, { received }) => ({
    model: received.model,
    claimed: received.claimed.conditions,
    conditions: question.conditions,
    declared: family.conditions,
    policy: recipe.validation.domain,
    data: recipe.data,
    seed: recipe.validation.seed,
    environment: environment.digest,
  }),
  blobs: () => [],
  async run(context, { received }): Promise<StageRun<DomainOutput>> {
    const { question, recipe, progress } = context;
    const conditions = received.claimed.conditions;
    const ends = endsOf(context, conditions);
    const points: { at: string; conditions: ConditionValues }[] = ends.map(({ name, unit, value }) => ({
      at: `${name} ${value} ${unit}`,
      conditions: { ...question.conditions, [name]: value },
    }));
    const corners = ends.length === 0 ? 0 : (recipe.validation.domain?.corners ?? 0);
    for (let i = 0; i < corners; i++) {
      points.push({ at: `corner ${i + 1} of the box`, conditions: cornerOf(context, ends, i) });
    }
    if (points.length === 0) {
      return {
        output: { conditions, gates: [] },
        figures: { points: 0, note: "claims its own point alone" },
      };
    }
    const started = performance.now();
    const model = await openFamilyModel(
      context.family,
      await context.catalogue.blobs.read(received.model),
      modelLimits(context),
    );
    try {
      const gatesAt: DomainOutput["gates"][] = [];
      let done = 0;
      await inParallel(context.threads, points, async (point, index) => {
        gatesAt[index] = await testPoint(context, model, point.conditions, point.at, index);
        done++;
        progress(done / points.length, point.at, secondsLeft(started, done / points.length));
      });
      const gates = gatesAt.flat();
      const failed = gates.filter(({ passed }) => !passed).length;
      return { output: { conditions, gates }, figures: { points: points.length, gatesFailed: failed } };
    } finally {
      await model.close();
    }
  },
};

function endsOf({ family, question }: StageContext, claimed: DomainOutput["conditions"]): End[] {
  const ends: End[] = [];
  for (const condition of family.conditions) {
    const box = claimed[condition.name];
    if (condition.kind !== "quantity" || box === undefined) continue;
    for (const end of [box.low, box.high]) {
      const value = quantityParser(condition)(end);
      if (value !== question.conditions[condition.name]) {
        ends.push({ name: condition.name, unit: condition.unit, value });
      }
    }
  }
  return ends;
}

/** A corner of the claimed box; which end of each condition is drawn at random. */
function cornerOf({ question, recipe }: StageContext, ends: End[], corner: number): ConditionValues {
  const names = [...new Set(ends.map(({ name }) => name))];
  const draws = uniforms(recipe.validation.seed + validationSeedOffset, corner, 0, names.length);
  const point = { ...question.conditions };
  for (const [i, name] of names.entries()) {
    const own = ends.filter((end) => end.name === name);
    point[name] = own[Math.floor(draws[i] * own.length)].value;
  }
  return point;
}
