// The one error of this client: what was being done, to which address, what went wrong there, and what to do.

/**
 * invalid: the address or argument cannot be meant; unreachable: no connection, or lost and not regained; timeout: no
 * answer in time; tls: no safe connection; denied: not logged in or not allowed; not_found: no such file; changed: the
 * file is not the one that was opened; redirects: sent round in circles; server: the server refused for another reason;
 * protocol: the peer does not speak XRootD as it should.
 */
export type XrootdErrorKind =
  | "invalid"
  | "unreachable"
  | "timeout"
  | "tls"
  | "denied"
  | "not_found"
  | "changed"
  | "redirects"
  | "server"
  | "protocol";

export interface XrootdErrorDetails {
  kind: XrootdErrorKind;
  /** What was being done: "open", "read", "log in", … */
  operation?: string;
  url?: string;
  /** host:port of the server that answered, or did not. */
  server?: string;
  /** What was wrong, without a full stop. */
  problem: string;
  remedy?: string;
  serverCode?: number;
  serverMessage?: string;
  cause?: unknown;
}

export class XrootdError extends Error {
  readonly kind: XrootdErrorKind;
  readonly operation: string | undefined;
  /** The address asked for; values of its `authz` are left out. */
  readonly url: string | undefined;
  readonly server: string | undefined;
  readonly problem: string;
  readonly remedy: string | undefined;
  /** The server's own number (3011 is "not found") and words, where it answered with an error. */
  readonly serverCode: number | undefined;
  readonly serverMessage: string | undefined;

  constructor(details: XrootdErrorDetails) {
    const { kind, operation, server, problem, cause } = details;
    const url = details.url === undefined ? undefined : withoutSecrets(details.url);
    const remedy = details.remedy ?? remedies[kind];
    const where = url !== undefined && server !== undefined ? `${url} (at ${server})` : (url ?? server);
    const what = operation === undefined ? "" : `${operation}: `;
    super(
      `${where === undefined ? "" : `${where}: `}${what}${problem}.${remedy === undefined ? "" : ` ${remedy}`}`,
      cause === undefined ? undefined : { cause },
    );
    this.name = "XrootdError";
    this.kind = kind;
    this.operation = operation;
    this.url = url;
    this.server = server;
    this.problem = problem;
    this.remedy = remedy;
    this.serverCode = details.serverCode;
    this.serverMessage = details.serverMessage;
  }
}

/** The same error with what only the caller knows: the address and the operation. Other errors come back as they are. */
export function placed(error: unknown, where: { url: string; operation: string }): unknown {
  if (!(error instanceof XrootdError)) return error;
  const { kind, server, problem, remedy, serverCode, serverMessage } = error;
  const { url = where.url, operation = where.operation } = error;
  const cause = error.cause ?? error;
  return new XrootdError({ kind, operation, url, server, problem, remedy, serverCode, serverMessage, cause });
}

/** `authz` carries bearer tokens and signed permits; they have no place in logs. */
export function withoutSecrets(url: string): string {
  return url.replace(/([?&](?:[\w.]*authz|access_token|xrd\.gsiusrpxy)=)[^&]*/gi, "$1…");
}

const remedies: Partial<Record<XrootdErrorKind, string>> = {
  unreachable: "Check that the host and port are right and that the server runs, then try again.",
  timeout: "The server or the network is overloaded or gone; try again later, or raise timeoutMs.",
  not_found: "List the folder to see what is there; a path begins with two slashes: root://host//path.",
  changed: "Open the file again to read its present content from the start.",
  redirects: "The cluster's managers send requests in circles; tell its administrators.",
  protocol: "Check that the port is that of an XRootD server and not of something else.",
};

/** Names of the server's error codes, from the XRootD protocol reference, from 3000. */
const serverCodes = [
  "ArgInvalid",
  "ArgMissing",
  "ArgTooLong",
  "FileLocked",
  "FileNotOpen",
  "FSError",
  "InvalidRequest",
  "IOError",
  "NoMemory",
  "NoSpace",
  "NotAuthorized",
  "NotFound",
  "ServerError",
  "Unsupported",
  "noserver",
  "NotFile",
  "isDirectory",
  "Cancelled",
  "ItExists",
  "ChkSumErr",
  "inProgress",
  "overQuota",
  "SigVerErr",
  "DecryptErr",
  "Overloaded",
  "fsReadOnly",
  "BadPayload",
  "AttrNotFound",
  "TLSRequired",
  "noReplicas",
  "AuthFailed",
  "Impossible",
  "Conflict",
  "TooManyErrs",
  "ReqTimedOut",
];

export const serverCode = {
  fileNotOpen: 3004,
  fsError: 3005,
  ioError: 3007,
  notAuthorized: 3010,
  notFound: 3011,
  serverError: 3012,
  unsupported: 3013,
  noServer: 3014,
  notFile: 3015,
  isDirectory: 3016,
  overloaded: 3024,
  tlsRequired: 3028,
  noReplicas: 3029,
  authFailed: 3030,
};

const remedyOf = new Map<number, { kind: XrootdErrorKind; remedy?: string }>([
  [serverCode.notFound, { kind: "not_found" }],
  [serverCode.noServer, { kind: "not_found" }],
  [serverCode.noReplicas, { kind: "not_found" }],
  [
    serverCode.notAuthorized,
    { kind: "denied", remedy: "Ask for the right to read this path, or use a token whose scope covers it." },
  ],
  [
    serverCode.authFailed,
    { kind: "denied", remedy: "Check that the token is valid, not expired and meant for this server." },
  ],
  [serverCode.tlsRequired, { kind: "tls", remedy: "Use roots:// in place of root://." }],
  [
    serverCode.unsupported,
    { kind: "server", remedy: "This server does not offer the operation; ask its administrators." },
  ],
  [serverCode.notFile, { kind: "server", remedy: "Name a file." }],
  [serverCode.isDirectory, { kind: "server", remedy: "Name a file; list() shows what the folder holds." }],
  [serverCode.overloaded, { kind: "server", remedy: "Try again later." }],
]);

/** The error for a kXR_error answer. */
export function serverError(code: number, message: string, server: string): XrootdError {
  const name = serverCodes[code - 3000];
  const { kind, remedy } = remedyOf.get(code) ?? { kind: "server" as const };
  // The words are a stranger's: no control characters into a terminal.
  const words = message.replace(/[\p{Cc}]+/gu, " ").trim();
  return new XrootdError({
    kind,
    server,
    problem: `the server refused with code ${code}${name === undefined ? "" : ` (${name})`}: ${words || "without a reason"}`,
    remedy,
    serverCode: code,
    serverMessage: words,
  });
}

/** The peer broke the protocol; the connection is of no more use. */
export function violation(server: string, problem: string): XrootdError {
  return new XrootdError({ kind: "protocol", server, problem });
}
