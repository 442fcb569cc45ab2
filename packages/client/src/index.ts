// The SDK's public names.

export * from "./api.ts";
export * from "./bundle.ts";
export { type BundleCache, bundleCache } from "./cache.ts";
export * from "./campaigns.ts";
export { type ConnectOptions, connect } from "./connect.ts";
export { DriftlineError } from "./error.ts";
export {
  describeOutside,
  type GenerateRequest,
  type Generator,
  type LoadOptions,
  loadGenerator,
  type OutsideInput,
  openGenerator,
} from "./generator.ts";
export { type Lock, type LockedRange, lockedRun, readLock } from "./lock/lock.ts";
export { type LockedDriftline, underLock } from "./lock/underLock.ts";
export { type ModelOptions, type ModelValue, type OnnxModel, openModel } from "./model.ts";
export { pull } from "./pull.ts";
export { connectSnapshot, type SnapshotDriftline } from "./snapshot/connectSnapshot.ts";
export { type SnapshotReport, verifySnapshot } from "./snapshot/verifySnapshot.ts";
export { tarOfDirectory } from "./tar.ts";
export { type BundleProblem, type VerifiedBundle, verifyBundle } from "./verify.ts";
