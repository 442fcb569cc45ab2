// One error for all that is wrong with a YAML file: each problem with line, column, field and remedy.

import { type DriftlineError, fail } from "../errors/registry.ts";
import type { FamilyProblem } from "./familyYaml.ts";

/** Problems that a message lists; `data.problems` has all. */
const maxShown = 20;

export function placedError(
  code: Parameters<typeof fail>[0],
  doing: string,
  path: string,
  problems: FamilyProblem[],
): DriftlineError {
  const lines = problems
    .slice(0, maxShown)
    .map(
      ({ line, column, field, message, remedy }) =>
        `${path}:${line}:${column}: ${[field, message].filter(Boolean).join(" ")}. ${remedy}`,
    );
  if (problems.length > maxShown) lines.push(`… and ${problems.length - maxShown} more.`);
  const count = problems.length === 1 ? "a problem" : `${problems.length} problems`;
  return fail(code, `${doing}: ${count}.\n${lines.join("\n")}`, {
    field: problems[0].field || path,
    remedy: problems[0].remedy,
    data: { problems: problems.map((problem) => ({ file: path, ...problem })) },
  });
}
