// From a fresh connection to one that answers requests: greeting, protocol, encryption where wanted, login, authentication.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import tls from "node:tls";
import { parseProtocol, type ServerFlags } from "./answers.ts";
import {
  discoverToken,
  hostCredentials,
  type Offer,
  parseOffers,
  type TokenSource,
  tokenCredentials,
  unixCredentials,
  userName,
} from "./credentials.ts";
import { serverError, violation, XrootdError } from "./errors.ts";
import { authRequest, handshake, loginRequest, protocolRequest } from "./requests.ts";
import { bufferSink } from "./sinks.ts";
import { type Endpoint, hostPort } from "./url.ts";
import { type Answer, openWire, type Wire } from "./wire.ts";

export interface LoginSettings {
  token: TokenSource | undefined;
  /** Certificates of authorities to trust besides the usual ones. */
  ca: string[];
  connectTimeoutMs: number;
  timeoutMs: number;
}

export interface Connection extends Wire {
  flags: ServerFlags;
  encrypted: boolean;
}

const largestAnswer = 64 * 1024;

/** Connects and logs in. `token` is what a redirecting server asked to show here. */
export async function connect(
  endpoint: Endpoint,
  token: string,
  settings: LoginSettings,
): Promise<Connection> {
  const connection = await connectOnce(endpoint, token, settings);
  if (connection !== "encrypt") return connection;
  const encrypted = await connectOnce({ ...endpoint, tls: true }, token, settings);
  if (encrypted !== "encrypt") return encrypted;
  throw violation(hostPort(endpoint), "the server asks for encryption that is there already");
}

/**
 * A server that wants the session encrypted lets a client log in openly and encrypt then. XRootD 5.5 forgets to do so
 * where data are to be encrypted too, and a name need not be seen: the answer is "encrypt", and the caller begins anew.
 */
async function connectOnce(
  endpoint: Endpoint,
  token: string,
  settings: LoginSettings,
): Promise<Connection | "encrypt"> {
  const wire = await openWire(endpoint, settings);
  const { server } = wire;
  const late = setTimeout(() => {
    const problem = `not logged in within ${settings.timeoutMs / 1000} s`;
    wire.close(new XrootdError({ kind: "timeout", operation: "log in", server, problem }));
  }, settings.timeoutMs);
  try {
    const greeting = bufferSink(server, largestAnswer);
    const greeted = wire.greet(handshake(), greeting);
    const [, protocol] = await Promise.all([greeted, ask(wire, protocolRequest(endpoint.tls))]);
    const flags = parseProtocol(protocol, server);
    const encrypted = flags.tlsNow || flags.tlsForLogin;
    if (encrypted) await wire.encrypt(secureContext(settings.ca));
    if (endpoint.tls && !encrypted)
      throw new XrootdError({
        kind: "tls",
        server,
        problem: "the server offers no encryption",
        remedy: "Use root:// in place of roots:// if the data may be read on the way.",
      });
    if (flags.tlsForSession && !encrypted) {
      wire.close();
      return "encrypt";
    }
    const login = await ask(wire, loginRequest(endpoint.user || userName(), token));
    // 16 bytes name the session; they are for clients with several connections.
    const offers = parseOffers(login.toString("utf8", 16));
    if (offers.length > 0) await authenticate(wire, offers, encrypted, settings);
    return Object.assign(wire, { flags, encrypted });
  } catch (error) {
    wire.close();
    throw error;
  } finally {
    clearTimeout(late);
  }
}

/** Asks something that has one plain answer. */
async function ask(wire: Wire, bytes: Buffer): Promise<Buffer> {
  const sink = bufferSink(wire.server, largestAnswer);
  const answer = await wire.request(bytes, sink);
  if (answer.kind === "data") return sink.body();
  throw refusal(wire, answer);
}

function refusal({ server }: Wire, answer: Answer): XrootdError {
  if (answer.kind === "error") return serverError(answer.code, answer.message, server);
  if (answer.kind === "wait")
    return new XrootdError({
      kind: "unreachable",
      operation: "log in",
      server,
      problem: `the server asks to come back in ${answer.seconds} s: ${answer.message}`,
    });
  return violation(server, `login was answered with ${answer.kind}`);
}

/** Tries what the server offers, in its order, as far as this client knows it. */
async function authenticate(
  wire: Wire,
  offers: Offer[],
  encrypted: boolean,
  settings: LoginSettings,
): Promise<void> {
  const { server } = wire;
  const problems: string[] = [];
  for (const { protocol, parameters } of offers) {
    let credentials: Buffer;
    if (protocol === "ztn") {
      if (!encrypted) {
        problems.push("ztn: a token is shown over an encrypted connection only");
        continue;
      }
      const token = await findToken(settings.token);
      if (token === undefined) {
        problems.push("ztn: no token found");
        continue;
      }
      // "TLS:version:longest token:"
      const longest = Number(parameters.replace(/^TLS:/, "").split(":")[1]) || 4096;
      if (token.length >= longest || token.length > 65_000) {
        problems.push(`ztn: the token has ${token.length} characters, the server takes ${longest}`);
        continue;
      }
      credentials = tokenCredentials(token);
    } else if (protocol === "unix") credentials = unixCredentials();
    else if (protocol === "host") credentials = hostCredentials();
    else {
      problems.push(`${protocol}: unknown to this client`);
      continue;
    }
    const sink = bufferSink(server, largestAnswer);
    const answer = await wire.request(authRequest(protocol, credentials), sink);
    if (answer.kind === "data") return;
    if (answer.kind !== "error") throw refusal(wire, answer);
    problems.push(`${protocol}: ${serverError(answer.code, answer.message, server).problem}`);
  }
  throw new XrootdError({
    kind: "denied",
    operation: "log in",
    server,
    problem: `the server took none of the ways to log in that it offers (${problems.join("; ")})`,
    remedy:
      "For a bearer token set BEARER_TOKEN or BEARER_TOKEN_FILE and use roots://; servers that offer only gsi or krb5 " +
      "need another client.",
  });
}

async function findToken(source: TokenSource | undefined): Promise<string | undefined> {
  if (source === undefined) return discoverToken();
  const token = typeof source === "function" ? await source() : source;
  return token?.trim() || undefined;
}

const contexts = new Map<string, tls.SecureContext>();

/** Trusts Node's authorities, those given, and those of the grid where X509_CERT_DIR or X509_CERT_FILE name them. */
function secureContext(given: string[]): tls.SecureContext {
  const { X509_CERT_DIR: folder = "/etc/grid-security/certificates", X509_CERT_FILE: file = "" } =
    process.env;
  const key = JSON.stringify([given, folder, file]);
  let context = contexts.get(key);
  if (context) return context;
  try {
    const grid = new Set(file ? [readFileSync(file, "utf8")] : []);
    for (const name of gridFiles(folder)) grid.add(readFileSync(join(folder, name), "utf8"));
    context = tls.createSecureContext({ ca: [...tls.getCACertificates("default"), ...given, ...grid] });
  } catch (cause) {
    throw new XrootdError({
      kind: "tls",
      problem: `the certificates of authorities cannot be used: ${(cause as Error).message}`,
      remedy: "Check ca, and the files that X509_CERT_DIR and X509_CERT_FILE name.",
      cause,
    });
  }
  contexts.set(key, context);
  return context;
}

/** The folder holds each certificate as NAME.pem and again under its hash. */
function gridFiles(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith(".pem"));
  } catch {
    return [];
  }
}
