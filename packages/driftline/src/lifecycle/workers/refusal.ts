// A verdict against a model, as the problem that its job ends with.

import type { GateResult, Problem, Verdict } from "@driftline/client/api";
import { toProblem } from "../../errors/problem.ts";
import { fail } from "../../errors/registry.ts";

const mostNamed = 8;

export function refusalOf({ gates }: Verdict, remedy: string): Problem {
  const failed = gates.filter(({ passed }) => !passed).map(describeGate);
  const more = failed.length > mostNamed ? `; and ${failed.length - mostNamed} more` : "";
  const named = failed.slice(0, mostNamed).join("; ");
  return toProblem(fail("refused", `The model did not pass validation: ${named}${more}.`, { remedy }));
}

function describeGate(gate: GateResult): string {
  const limit = [
    gate.minimum === undefined ? "" : `at least ${gate.minimum}`,
    gate.maximum === undefined ? "" : `at most ${gate.maximum}`,
  ].filter((part) => part !== "");
  const value = gate.value === null ? "could not be computed" : `is ${Number(gate.value.toPrecision(4))}`;
  const at = gate.at === "nominal" ? "" : ` at ${gate.at}`;
  return `${gate.metric}${at} ${value}, allowed is ${limit.join(" and ")}`;
}
