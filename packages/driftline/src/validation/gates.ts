// The verdict: each gate of the family's policy against the metric's estimate.

import type { GateResult, Verdict } from "@driftline/client/api";
import { fail } from "../errors/registry.ts";
import type { Gate } from "../family/family.ts";
import { gatedMetrics, type Metric } from "./metrics.ts";

/**
 * Gates that always apply. A test that cannot see a stretch of 10 % proves nothing by seeing no difference, and figures
 * over some of the amplitudes say nothing about the model.
 */
export const trustGates: Gate[] = [
  { metric: "auc_control", minimum: 0.85 },
  { metric: "finite_fraction", minimum: 1 },
];

/** Throws `invalid_family` where a gate names a metric that validation does not know. */
export function checkGates(
  gates: readonly Gate[],
  known: readonly string[] = Object.keys(gatedMetrics),
): void {
  for (const gate of gates) {
    if (known.includes(gate.metric)) continue;
    throw fail("invalid_family", `The validation policy names a metric ${JSON.stringify(gate.metric)}.`, {
      field: "validation.gates",
      remedy: `Metrics that can be gated here are ${known.join(", ")}.`,
    });
  }
}

/** Passed when every gate holds; a metric without a finite value fails its gate. `at` names the point of conditions. */
export function judge(gates: readonly Gate[], metrics: Record<string, Metric>, at: string): Verdict {
  const results = gates.map((gate): GateResult => {
    const metric = metrics[gate.metric];
    const value = metric && Number.isFinite(metric.value) ? metric.value : null;
    const passed =
      value !== null &&
      (gate.minimum === undefined || value >= gate.minimum) &&
      (gate.maximum === undefined || value <= gate.maximum);
    return {
      metric: gate.metric,
      at,
      value,
      interval: metric?.interval ?? null,
      floor: metric?.floor ?? null,
      ...(gate.minimum === undefined ? {} : { minimum: gate.minimum }),
      ...(gate.maximum === undefined ? {} : { maximum: gate.maximum }),
      passed,
    };
  });
  return { passed: results.every((result) => result.passed), gates: results };
}

/** One line a failed gate: which, its value, and by how much it misses. */
export function refusals(verdict: Verdict): string[] {
  return verdict.gates
    .filter((gate) => !gate.passed)
    .map((gate) => {
      if (gate.value === null) return `${gate.metric} at ${gate.at} has no value`;
      const bound = gate.maximum !== undefined && gate.value > gate.maximum ? gate.maximum : gate.minimum;
      const relation = bound === gate.maximum ? "above" : "below";
      const by = Math.abs(gate.value - (bound ?? gate.value));
      return `${gate.metric} at ${gate.at} is ${show(gate.value)}, ${relation} ${bound} by ${show(by)}`;
    });
}

function show(value: number): string {
  return Number(value.toPrecision(3)).toString();
}
