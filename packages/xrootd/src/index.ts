// A read-only XRootD client: files, folders and checksums of root:// and roots:// servers and clusters.

export type { Checksum, Entry, Stat } from "./answers.ts";
export { type CallOptions, createClient, type XrootdClient, type XrootdOptions } from "./client.ts";
export { discoverToken, type TokenSource } from "./credentials.ts";
export { XrootdError, type XrootdErrorKind } from "./errors.ts";
export type { RemoteFile } from "./file.ts";
export type { ByteRange } from "./plan.ts";
export { parseUrl, type XrootdUrl } from "./url.ts";
