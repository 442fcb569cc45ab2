// Stage 4: where around its own point the model still passes: the measured domain of conditions.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { GateResult } from "@driftline/client/api";
import type { OnnxModel } from "@driftline/client/model";
import { uniforms } from "@driftline/client/noise";
import type { ConditionValues, QuantityCondition } from "../../family/family.ts";
import { quantityParser, shifted } from "../../family/quantity.ts";
import { runPython } from "../../training/python.ts";
import { validatePoint } from "../../validation/validatePoint.ts";
import { baseSimulator } from "../baseSimulator.ts";
import { openFamilyModel } from "../models/familyModel.ts";
import { sampleModel } from "../models/sampleModel.ts";
import type { DatasetOutput } from "./dataset.ts";
import { modelLimits, type StageContext, type StageDefinition, type StageRun, secondsLeft } from "./stage.ts";
import type { TrainOutput } from "./train.ts";
import { validationSeedOffset } from "./validate.ts";

export interface DomainOutput {
  /** Box of conditions in which the gates passed; an untested condition has its own value as both ends. */
  conditions: Record<string, { low: number; high: number; unit: string; tested: boolean }>;
  /** Every gate at every point tested. */
  gates: GateResult[];
}

/** Parts of the tolerances at which the corners are tried, until all pass. */
const scales = [1, 0.5, 0.25];

interface Side {
  condition: QuantityCondition;
  sign: -1 | 1;
  value: string;
  passed: boolean;
}

export const domainStage: StageDefinition<{ dataset: DatasetOutput; train: TrainOutput }, DomainOutput> = {
  name: "domain",
  input: ({ family, question, recipe, environment }, { train }) => ({
    model: train.model,
    conditions: question.conditions,
    declared: family.conditions,
    policy: recipe.validation.domain,
    data: recipe.data,
    seed: recipe.validation.seed,
    environment: environment.digest,
  }),
  blobs: () => [],
  async run(context, { train }): Promise<StageRun<DomainOutput>> {
    const { family, question, recipe, progress } = context;
    const policy = recipe.validation.domain;
    const quantities = family.conditions.filter((condition) => condition.kind === "quantity");
    if (policy === null || recipe.data.source !== "simulator") {
      return {
        output: { conditions: box(quantities, question.conditions, [], 0), gates: [] },
        figures: { points: 0, note: policy === null ? "no policy" : "made from files: untested" },
      };
    }
    const started = performance.now();
    const model = await openFamilyModel(
      family,
      await context.catalogue.blobs.read(train.model),
      modelLimits(context),
    );
    const gatesAt: GateResult[][] = [];
    const sides = sidesOf(context, quantities);
    const total = sides.length + scales.length * policy.corners;
    let done = 0;
    const test = async (point: ConditionValues, at: string, index: number) => {
      const results = await testPoint(context, model, point, at, index);
      gatesAt[index] = results;
      done++;
      progress(done / total, at, secondsLeft(started, done / total));
      return results.every(({ passed }) => passed);
    };
    try {
      // A point keeps about one core busy.
      await inParallel(context.threads, sides, async (side, index) => {
        const { name, unit } = side.condition;
        const point = { ...question.conditions, [name]: side.value };
        side.passed = await test(point, `${name} ${side.value} ${unit}`, index);
      });
      // Conditions that pass one by one need not pass together: the box shrinks until its corners do.
      const passed = sides.filter((side) => side.passed);
      let scale = 0;
      for (const [trial, tried] of scales.entries()) {
        const corners = Array.from({ length: policy.corners }, (_, i) => trial * policy.corners + i);
        const results: boolean[] = [];
        await inParallel(context.threads, corners, async (corner, i) => {
          const point = cornerOf(context, passed, tried, corner);
          const at = `corner ${i + 1} at ${tried} of the tolerances`;
          results[i] = await test(point, at, sides.length + corner);
        });
        if (results.every(Boolean)) {
          scale = tried;
          break;
        }
      }
      return {
        output: {
          conditions: box(quantities, question.conditions, passed, scale),
          gates: gatesAt.flat(),
        },
        figures: {
          points: done,
          sides: sides.length,
          sidesPassed: passed.length,
          scale,
        },
      };
    } finally {
      await model.close();
    }
  },
};

/** Works on the items in order, at most `limit` at a time. */
export async function inParallel<T>(
  limit: number,
  items: T[],
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  const queue = items.entries();
  const lane = async () => {
    for (const [index, item] of queue) await work(item, index);
  };
  // All lanes end before anything that they share is closed.
  const ended = await Promise.allSettled(Array.from({ length: Math.max(1, limit) }, lane));
  for (const lane of ended) if (lane.status === "rejected") throw lane.reason;
}

function sidesOf({ question }: StageContext, quantities: QuantityCondition[]): Side[] {
  const sides: Side[] = [];
  for (const condition of quantities) {
    for (const sign of [-1, 1] as const) {
      const own = question.conditions[condition.name];
      const value = shifted(condition, own, sign);
      if (value !== own) sides.push({ condition, sign, value, passed: false });
    }
  }
  return sides;
}

/** A corner of the box of the sides that passed; which side of each condition is drawn at random. */
function cornerOf(
  { question, recipe }: StageContext,
  passed: Side[],
  scale: number,
  corner: number,
): ConditionValues {
  const names = [...new Set(passed.map(({ condition }) => condition.name))];
  const draws = uniforms(recipe.validation.seed + validationSeedOffset, corner, 0, names.length);
  const point = { ...question.conditions };
  for (const [i, name] of names.entries()) {
    const own = passed.filter(({ condition }) => condition.name === name);
    point[name] = scaled(own[Math.floor(draws[i] * own.length)], question.conditions[name], scale);
  }
  return point;
}

/** The value at a part of the way to the side, on the grid and never beyond that part. */
function scaled({ condition, value }: Side, own: string, scale: number): string {
  const grid = Number(condition.grid);
  const steps = Math.trunc(Math.round((Number(value) - Number(own)) / grid) * scale);
  return steps === 0 ? own : quantityParser(condition)(Number(own) + steps * grid);
}

export async function testPoint(
  { family, question, recipe, environment, directory, limits, log, signal }: StageContext,
  model: OnnxModel,
  conditions: ConditionValues,
  at: string,
  index: number,
): Promise<GateResult[]> {
  const { data, validation } = recipe;
  if (data.source !== "simulator" || validation.domain === null) return [];
  const scratchDirectory = join(directory, "domain", String(index));
  await mkdir(scratchDirectory, { recursive: true });
  const seed = validation.seed + validationSeedOffset + 1000 + index;
  const truth = await baseSimulator({
    family,
    simulator: data.simulator,
    question: { ...question, conditions },
    saturation: data.saturation,
    threads: 1,
    signal,
  }).simulate(validation.domain.rows, seed);
  return validatePoint({
    at,
    inputs: family.inputs,
    output: family.output,
    // Each side has its own threshold already; a further cut would hide the difference.
    threshold: 0,
    gates: validation.domain.gates,
    classifierRounds: validation.classifierRounds,
    truth,
    generate: (features, rows, draw) => sampleModel(model, features, rows, seed + draw),
    seed,
    runPython: (args, options) =>
      runPython(environment, args, {
        ...options,
        what: "The two-sample tests",
        threads: 1,
        limits,
        attempt: directory,
        log,
      }),
    scratchDirectory,
    signal,
  });
}

function box(
  quantities: QuantityCondition[],
  own: ConditionValues,
  passed: Side[],
  scale: number,
): DomainOutput["conditions"] {
  return Object.fromEntries(
    quantities.map(({ name, unit }) => {
      const reached = (sign: -1 | 1) => {
        const side = passed.find(
          ({ condition, sign: itsSign }) => condition.name === name && itsSign === sign,
        );
        return Number(side ? scaled(side, own[name], scale) : own[name]);
      };
      const [low, high] = [reached(-1), reached(1)];
      return [name, { low, high, unit, tested: low < high }];
    }),
  );
}
