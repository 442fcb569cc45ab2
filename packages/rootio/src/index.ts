// ROOT files as columns: open a file, choose a tree, read branches over a range of entries.

export { type HttpOptions, httpSource } from "./bytes/http.ts";
export { fileSource } from "./bytes/local.ts";
export { memorySource } from "./bytes/memory.ts";
export { readMerged } from "./bytes/merge.ts";
export { type ByteRange, type ByteSource, checkInside } from "./bytes/source.ts";
export { type Chain, openChain } from "./chain.ts";
export * from "./columns/column.ts";
export { concat } from "./columns/concat.ts";
export { itemOf } from "./columns/entry.ts";
export { nearestNames, RootError, type RootErrorKind } from "./errors.ts";
export { type OpenOptions, openRootFile, type RootFile } from "./file.ts";
export type { BranchInfo, Chunk, EntryRange, Tree } from "./tree.ts";
export type { Compression } from "./write/compress.ts";
export { WriteError, type WriteErrorKind } from "./write/errors.ts";
export { type CreateOptions, createRootFile, type RootFileWriter } from "./write/file.ts";
export { type ByteSink, fileSink, writeFailure } from "./write/sink.ts";
export type { BranchPlan, TreeOptions, TreeWriter } from "./write/tree.ts";
