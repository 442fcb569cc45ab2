// Which branch counts a jagged one: the jagged branches of a collection share a counter as long as their lists agree.

import type { Column, ListColumn, NumberColumn } from "../columns/column.ts";
import { emptyBranch, type WrittenBranch } from "./branch.ts";

/** A counter with the jagged branches that it counts; `given` where a column of that name is written anyway. */
export interface CounterGroup {
  counter: WrittenBranch;
  given: boolean;
  members: WrittenBranch[];
}

/** What ROOT takes for a counter. */
const counterTypes = ["int32", "uint32"];

/** `Jet_pt` and `Jet_eta` belong to `Jet`, as `Jet.pt` would; `weights` to itself. */
function collectionOf(name: string): string {
  const end = name.search(/[_.]/);
  return end > 0 ? name.slice(0, end) : name;
}

/** At first all jagged branches of a collection share `n<collection>`. */
export function planCounters(branches: WrittenBranch[]): CounterGroup[] {
  const byName = new Map(branches.map((branch) => [branch.name, branch]));
  const groups = new Map<string, CounterGroup>();
  for (const branch of branches) {
    if (!branch.jagged) continue;
    const wanted = `n${collectionOf(branch.name)}`;
    const there = byName.get(wanted);
    const given = there !== undefined && counterTypes.includes(there.type) && isScalar(there);
    const name = there && !given ? freeName(`n${branch.name}`, byName) : wanted;
    let group = groups.get(name);
    if (!group) {
      group = { counter: given ? there : counterBranch(name), given, members: [] };
      groups.set(name, group);
    }
    group.members.push(branch);
    branch.counter = group.counter;
  }
  for (const { counter } of groups.values()) {
    counter.counts = true;
    byName.set(counter.name, counter);
  }
  return [...groups.values()];
}

function isScalar({ jagged, dimensions }: WrittenBranch): boolean {
  return !jagged && dimensions.length === 0;
}

function counterBranch(name: string): WrittenBranch {
  return { ...emptyBranch(name, "int32", [], false), counts: true };
}

/** The name, or with underscores behind it where a branch has it. */
function freeName(name: string, taken: { has(name: string): boolean }): string {
  return taken.has(name) ? freeName(`${name}_`, taken) : name;
}

/**
 * The counts of the next entries, whose columns are of the kinds that the branches want; and the groups that came to be
 * because lists of one collection differ, or differ from the column that would count them: each of these branches goes
 * on with a counter of its own, whose past is the same as that of the counter it leaves.
 */
export function countEntries(
  groups: CounterGroup[],
  columns: Record<string, Column>,
  branches: Map<string, WrittenBranch>,
): { counts: Map<WrittenBranch, NumberColumn>; split: { from: WrittenBranch; group: CounterGroup }[] } {
  const counts = new Map<WrittenBranch, NumberColumn>();
  const split: { from: WrittenBranch; group: CounterGroup }[] = [];
  for (const group of [...groups]) {
    const { counter, given, members } = group;
    const lists = new Map(members.map((member) => [member, countsOf(columns[member.name])]));
    const shared = given ? (columns[counter.name] as NumberColumn) : lists.get(members[0])!;
    const differ = members.filter((member) => !isEqual(lists.get(member)!, shared));
    for (const member of differ) {
      const name = freeName(`n${member.name}`, branches);
      const own: WrittenBranch = { ...counter, name, baskets: [...counter.baskets] };
      branches.set(name, own);
      const created = { counter: own, given: false, members: [member] };
      groups.push(created);
      member.counter = own;
      split.push({ from: counter, group: created });
      counts.set(own, asType(lists.get(member)!, own));
    }
    group.members = members.filter((member) => !differ.includes(member));
    if (!given) counts.set(counter, shared);
    // A column that counts nothing after all is a column like others.
    if (given && group.members.length === 0) {
      counter.counts = false;
      groups.splice(groups.indexOf(group), 1);
    }
  }
  for (const { counter, members } of groups) {
    const [member] = members;
    const { values } = counts.get(counter) ?? countsOf(columns[member.name]);
    for (let i = 0; i < values.length; i++)
      if (values[i] > counter.maximum) counter.maximum = Number(values[i]);
  }
  return { counts, split };
}

function countsOf(column: Column): NumberColumn {
  const { offsets } = column as ListColumn;
  const values = new Int32Array(offsets.length - 1);
  for (let i = 0; i < values.length; i++) values[i] = offsets[i + 1] - offsets[i];
  return { kind: "number", type: "int32", values };
}

/** A counter that split off has the type of the one whose past it shares. */
function asType(counts: NumberColumn, { type }: WrittenBranch): NumberColumn {
  return type === "uint32"
    ? { kind: "number", type, values: Uint32Array.from(counts.values, Number) }
    : counts;
}

function isEqual(a: NumberColumn, b: NumberColumn): boolean {
  if (a.values.length !== b.values.length) return false;
  for (let i = 0; i < a.values.length; i++) if (Number(a.values[i]) !== Number(b.values[i])) return false;
  return true;
}
