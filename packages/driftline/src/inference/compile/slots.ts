// Which local array holds which intermediate values: those that are not needed at the same time share one.

import type { Expression, Program, RowStorage, Statement, View } from "./program.ts";

export interface Slots {
  /** Elements of one row, by slot. */
  sizes: number[];
  slotOf: Map<RowStorage, number>;
}

export function assignSlots(program: Program): Slots {
  const last = new Map<RowStorage, number>();
  for (const [at, statement] of program.statements.entries()) {
    for (const view of [statement.out, ...readViews(statement)]) {
      if (view.storage.kind === "rows") last.set(view.storage, at);
    }
  }
  const slots: Slots = { sizes: [], slotOf: new Map() };
  let free: number[] = [];
  for (const [at, statement] of program.statements.entries()) {
    const { storage } = statement.out;
    if (storage.kind === "rows" && storage.role === "scratch" && !slots.slotOf.has(storage)) {
      const slot = takeSlot(slots, free, storage.elements);
      free = free.filter((other) => other !== slot);
      slots.slotOf.set(storage, slot);
    }
    for (const [done, slot] of slots.slotOf) {
      if (last.get(done) === at) free.push(slot);
    }
  }
  return slots;
}

/** The free slot that fits best, or the largest one made larger, or a new one. */
function takeSlot(slots: Slots, free: number[], elements: number): number {
  const bySize = [...free].sort((a, b) => slots.sizes[a] - slots.sizes[b]);
  const slot = bySize.find((candidate) => slots.sizes[candidate] >= elements) ?? bySize.at(-1);
  if (slot === undefined) return slots.sizes.push(elements) - 1;
  slots.sizes[slot] = Math.max(slots.sizes[slot], elements);
  return slot;
}

export function readViews(statement: Statement): View[] {
  if (statement.kind === "product") return [statement.a, statement.b];
  if (statement.kind === "reduce") return [statement.in];
  return loads(statement.value);
}

export function loads(expression: Expression): View[] {
  if (expression.kind === "load") return [expression.view];
  return expression.kind === "apply" ? expression.arguments.flatMap(loads) : [];
}
