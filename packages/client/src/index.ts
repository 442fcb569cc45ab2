// The SDK's public names.

export * from "./api.ts";
export * from "./bundle.ts";
export { DriftlineError } from "./error.ts";
