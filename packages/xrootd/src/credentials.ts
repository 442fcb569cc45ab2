// What this client can show at login: a bearer token (ztn), the name of its user (unix), nothing but its address (host).

import { readFile, stat } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { XrootdError } from "./errors.ts";

/** A token, or what gives one when a server asks (tokens expire, reads go on). */
export type TokenSource = string | (() => string | undefined | Promise<string | undefined>);

/**
 * Finds the user's token where WLCG Bearer Token Discovery 1.0 says: BEARER_TOKEN, the file that BEARER_TOKEN_FILE
 * names, $XDG_RUNTIME_DIR/bt_u<uid>, /tmp/bt_u<uid>; undefined where there is none.
 */
export async function discoverToken(
  environment: NodeJS.ProcessEnv = process.env,
): Promise<string | undefined> {
  const inEnvironment = environment.BEARER_TOKEN?.trim();
  if (inEnvironment) return inEnvironment;
  const named = environment.BEARER_TOKEN_FILE;
  if (named) {
    const token = await tokenIn(named);
    if (token === undefined)
      throw new XrootdError({
        kind: "denied",
        problem: `BEARER_TOKEN_FILE names ${named}, which does not exist or is empty`,
        remedy: "Get a token into that file or unset the variable.",
      });
    return token;
  }
  const name = `bt_u${process.geteuid?.() ?? userInfo().uid}`;
  for (const folder of [environment.XDG_RUNTIME_DIR, "/tmp"]) {
    const token = folder ? await tokenIn(join(folder, name)) : undefined;
    if (token !== undefined) return token;
  }
  return undefined;
}

/** The token that a file holds. A file that others can read or that is another's is refused: it may not be ours. */
async function tokenIn(path: string): Promise<string | undefined> {
  try {
    const { mode, uid } = await stat(path);
    const own = process.geteuid === undefined || uid === process.geteuid() || uid === 0;
    if ((mode & 0o077) !== 0 || !own)
      throw new XrootdError({
        kind: "denied",
        problem: `the token in ${path} ${own ? "can be read by others" : "is another user's"}`,
        remedy: own
          ? `Make it yours alone: chmod 600 ${path}.`
          : "Remove the file or name another in BEARER_TOKEN_FILE.",
      });
    return (await readFile(path, "utf8")).trim() || undefined;
  } catch (cause) {
    if (cause instanceof XrootdError) throw cause;
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new XrootdError({
      kind: "denied",
      problem: `the token in ${path} cannot be read: ${(cause as Error).message}`,
      remedy: "Make the file readable for you or name another in BEARER_TOKEN_FILE.",
      cause,
    });
  }
}

/** One of the ways to log in that a server offers, and what it says about it. */
export interface Offer {
  protocol: string;
  parameters: string;
}

/** "&P=ztn,0:4096:&P=unix" in the answer to login. */
export function parseOffers(text: string): Offer[] {
  return text
    .replace(/\0.*$/s, "")
    .split("&P=")
    .slice(1)
    .map((offer) => {
      const comma = offer.indexOf(",");
      return comma < 0
        ? { protocol: offer.trim(), parameters: "" }
        : { protocol: offer.slice(0, comma).trim(), parameters: offer.slice(comma + 1) };
    });
}

/** "ztn", version 0, a token ("T"), its length with the zero byte that ends it. */
export function tokenCredentials(token: string): Buffer {
  const bytes = Buffer.from(token, "latin1");
  const credentials = Buffer.alloc(10 + bytes.length + 1);
  credentials.write("ztn\0", 0, "latin1");
  credentials.write("T", 5, "latin1");
  credentials.writeUInt16BE(bytes.length + 1, 8);
  credentials.set(bytes, 10);
  return credentials;
}

/** Name of the process's user; the server believes it. */
export function unixCredentials(): Buffer {
  return Buffer.from(`unix\0${userName()}\0`, "latin1");
}

export function hostCredentials(): Buffer {
  return Buffer.from("host\0", "latin1");
}

/** The process's user, for login. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // In a container without a passwd entry.
    return `u${process.geteuid?.() ?? 0}`;
  }
}
