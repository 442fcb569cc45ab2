// What a tree is to a user, whether a TTree or an RNTuple: entries, branches, and columns over a range of entries.

import type { Column, Shape } from "./columns/column.ts";

export interface BranchInfo {
  /**
   * Of a TTree, the path of branches ("muon/muon.pt"); of an RNTuple, the path of fields ("muon.pt"), without the
   * items of collections.
   */
  name: string;
  /** The C++ type as far as the file tells it. */
  typeName: string;
  /** What a column of it will look like; null where the branch cannot be read. */
  shape: Shape | null;
  /** The branch that counts the values of an entry. */
  counter: string | null;
  /** Why the branch cannot be read, with the class at fault; null where it can. */
  problem: string | null;
}

export interface EntryRange {
  start?: number;
  stop?: number;
}

export interface Tree {
  name: string;
  className: string;
  entries: number;
  /** All levels: a branch or field stands before those within it. */
  branches: BranchInfo[];
  /**
   * Entries start to stop - 1 (all by default) of branches given by name or by glob. A glob matches the readable
   * branches of its level: `*` stands for anything but a separator of the path, `**` also for that.
   */
  read(names: string[], range?: EntryRange): Promise<Record<string, Column>>;
  /**
   * The same in consecutive pieces of so many entries. The next piece is read while the present one is worked on.
   * Each iteration keeps the baskets or pages that its next piece needs too: several may run side by side.
   */
  chunks(names: string[], entries: number, range?: EntryRange): AsyncIterable<Chunk>;
  /**
   * Ascending entries, 0 the first, at which all of these branches begin a basket or cluster: pieces that begin there
   * decompress nothing twice.
   */
  boundaries(names: string[]): Promise<number[]>;
  /** Bytes that each of these branches takes in the file, compressed. */
  storedBytes(names: string[]): Promise<number[]>;
}

export interface Chunk {
  start: number;
  stop: number;
  columns: Record<string, Column>;
}
