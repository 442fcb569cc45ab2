// Loops checked: the spaces of their combinations, their indices, and the lists that their bodies give.

import { enterLoop, filterLoop, loopOffsets } from "./loops.ts";
import type { LoopSpace, Node } from "./node.ts";
import { needBool } from "./operations.ts";
import { problem, type Source } from "./problem.ts";
import { resolve, type Scope } from "./scope.ts";
import { needList } from "./selection.ts";
import { lift, type Space, type State } from "./state.ts";
import type { Clause, Syntax } from "./syntax.ts";
import { spread } from "./take.ts";
import type { Axis } from "./types.ts";
import { type Leaf, numbers, type Value } from "./values.ts";

/** Where a part of an expression stands. */
export interface Context {
  space: Space;
  /** Tells the spaces apart in the keys of equal parts. */
  name: string;
  variables: ReadonlyMap<string, Node>;
}

type Visit = (syntax: Syntax, context: Context) => Node;

/** `[body for i < j in list if condition]`: a list of what the body gives for each combination. */
export function buildLoop(
  source: Source,
  scope: Scope,
  syntax: Extract<Syntax, { is: "loop" }>,
  context: Context,
  visit: Visit,
): Node {
  const steps: ((state: State) => void)[] = [];
  let inner = context;
  const axes: Axis[] = [];
  let filtered = false;
  for (const clause of syntax.clauses) {
    const entered = enter(source, scope, clause, inner, visit);
    steps.push(...entered.steps);
    axes.push(entered.axis);
    filtered ||= clause.condition !== null || entered.axis.filtered;
    inner = entered.context;
  }
  const body = visit(syntax.body, inner);
  const around = context.space;
  const label = source.text.slice(syntax.start, syntax.end);
  const axis: Axis = { collection: loopCollection(syntax.clauses, axes), filtered, label };
  return {
    span: syntax,
    type: { ...body.type, axes: [axis, ...body.type.axes] },
    space: around,
    run: (state) => {
      for (const step of steps) step(state);
      const offsets = loopOffsets(state, inner.space, around);
      const value = lift(state, body.run(state), body.space, inner.space);
      const content: Value =
        value.kind === "list" ? value : spread(value as Leaf, offsets[offsets.length - 1]);
      return { kind: "list", offsets, content };
    },
  };
}

function enter(
  source: Source,
  scope: Scope,
  clause: Clause,
  context: Context,
  visit: Visit,
): { context: Context; axis: Axis; steps: ((state: State) => void)[] } {
  const list = needList(source, visit(clause.source, context), "A loop");
  const space: LoopSpace = {
    parent: context.space,
    depth: context.space.depth + 1,
    counted: clause.source,
  };
  const [axis] = list.type.axes;
  const variables = new Map(context.variables);
  clause.variables.forEach((variable, position) => {
    if (variables.has(variable.name))
      throw problem(
        source,
        variable,
        `\`${variable.name}\` is the index of another loop already.`,
        "Give each index a name of its own.",
      );
    if (resolve(variable.name, scope) !== null)
      throw problem(source, variable, `\`${variable.name}\` is a column.`, "Give the index another name.");
    variables.set(variable.name, {
      span: variable,
      type: { kind: "number", axes: [] },
      space,
      variable: { position, axis, loop: space },
      run: (state) => numbers(new Float64Array(state.frames.get(space)!.indices[position])),
    });
  });
  const steps = [(state: State) => enterLoop(state, space, list, clause.variables.length)];
  const within: Context = { space, name: `${context.name}/${clause.start}`, variables };
  if (clause.condition === null) return { context: within, axis, steps };
  const condition = needBool(source, visit(clause.condition, within), "if");
  if (condition.type.axes.length > 0)
    throw problem(
      source,
      condition.span,
      "The condition of a loop is a list.",
      "Reduce it with any(…) or all(…), or index it.",
    );
  const kept: Space = { parent: space, depth: space.depth + 1 };
  steps.push((state) => filterLoop(state, kept, condition));
  // What stands behind the condition is worked out for the combinations that it leaves, and for no other.
  const remaining = new Map(variables);
  for (const { name } of clause.variables) {
    const variable = variables.get(name)!;
    remaining.set(name, {
      ...variable,
      space: kept,
      run: (state) => lift(state, variable.run(state), space, kept),
    });
  }
  return { context: { space: kept, name: `${within.name} if`, variables: remaining }, axis, steps };
}

/** The items that a loop over one list gives are its items; combinations belong together where they are of the same. */
function loopCollection(clauses: Clause[], axes: Axis[]): string | null {
  if (axes.some(({ collection }) => collection === null)) return null;
  if (clauses.length === 1 && clauses[0].variables.length === 1) return axes[0].collection;
  const words = ["items", "pairs", "triples"];
  return clauses
    .map(
      ({ variables: { length } }, i) =>
        `${words[length - 1] ?? `combinations of ${length}`} of ${axes[i].collection}`,
    )
    .join(" × ");
}
