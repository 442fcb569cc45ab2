// ROOT files as columns: open a file, choose a tree, read branches over a range of entries.

export type { Column } from "./assemble.ts";
export type { ElementType } from "./branch.ts";
export type { Values } from "./decode.ts";
export { nearestNames, RootError, type RootErrorKind } from "./errors.ts";
export { openRootFile, type RootFile } from "./file.ts";
export type { BranchInfo, Tree } from "./tree.ts";
