// Refuses requests that a foreign web page made a browser send, and requests packed to do harm, before they are read.

import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { type DriftlineError, fail } from "../errors/registry.ts";
import { isLoopback } from "./auth.ts";
import { maxHeaders } from "./limits.ts";

/** Why a request is refused before it is read; undefined where it is not. */
export type Guard = (request: IncomingMessage) => DriftlineError | undefined;

/**
 * Checks Host and Origin where the server listens at loopback: there the network keeps strangers away, but a page in
 * the user's browser can send requests to it, and by DNS rebinding read the answers. Elsewhere a token is asked for,
 * which a page doesn't have.
 */
export function requestGuard(host: string, allowedHosts: string[]): Guard {
  const foreign = isLoopback(host) ? foreignRequest(new Set(allowedHosts.map(bare))) : () => undefined;
  return ({ headers, rawHeaders, httpVersion, method, url = "" }) => {
    const bodiless = method === "GET" || method === "HEAD";
    return (
      (headers.host === undefined && httpVersion !== "1.0" ? withoutHost() : undefined) ??
      foreign(headers, url) ??
      tooMany(rawHeaders.length / 2) ??
      (bodiless ? undefined : compressed(headers["content-encoding"]))
    );
  };
}

/** HTTP/1.1 has it in every request (RFC 9112, 3.2). */
function withoutHost(): DriftlineError {
  return fail("usage", "The request has no Host header.", {
    field: "host",
    remedy: "Send the header Host with the name or address of this server.",
  });
}

function foreignRequest(allowed: Set<string>) {
  const isOurs = (name: string | null) => name !== null && (isLoopback(name) || allowed.has(name));
  // Few clients ask under many names: what was found right once is not taken apart again.
  const known = new Set<string>();

  return ({ host = "", origin }: IncomingHttpHeaders, url: string): DriftlineError | undefined => {
    if (!known.has(host)) {
      if (!isOurs(hostName(host))) return wrongHost(host);
      if (known.size < 100) known.add(host);
    }
    // A request line with a whole URL: its host counts, and not the header.
    if (!url.startsWith("/") && url !== "*") {
      const [, authority = ""] = /^https?:\/\/([^/?#]*)/i.exec(url) ?? [];
      if (!isOurs(hostName(authority))) return wrongHost(authority);
    }
    if (origin === undefined) return undefined;
    const from = /^https?:\/\/(.+)$/i.exec(origin)?.[1].toLowerCase() ?? "";
    // Another port of this machine is another program, perhaps another user's.
    if (from !== "" && (from === host.toLowerCase() || allowed.has(hostName(from) ?? ""))) return undefined;
    return fail(
      "forbidden",
      `The Origin header says ${shown(origin)}: a page from there made a browser send this request.`,
      {
        field: "origin",
        remedy:
          "Ask without a browser, or name the page's host in server.allowedHosts (DRIFTLINE_SERVER_ALLOWED_HOSTS).",
      },
    );
  };
}

function wrongHost(host: string): DriftlineError {
  return fail(
    "forbidden",
    host === ""
      ? "The request has no Host header."
      : `The Host header says ${shown(host)}; this server listens at loopback and answers to localhost and 127.0.0.1.`,
    {
      field: "host",
      remedy:
        "Ask at http://127.0.0.1, or name the host in server.allowedHosts (DRIFTLINE_SERVER_ALLOWED_HOSTS) if a proxy passes it on.",
    },
  );
}

function tooMany(count: number): DriftlineError | undefined {
  if (count <= maxHeaders) return undefined;
  return fail("large_headers", `The request has ${count} headers.`, {
    field: "headers",
    remedy: `Send at most ${maxHeaders}.`,
  });
}

/** What is small on the wire must not become large in memory. */
function compressed(encoding: string | undefined): DriftlineError | undefined {
  if (encoding === undefined || encoding.toLowerCase() === "identity") return undefined;
  return fail("unsupported_media_type", `The body of the request is compressed (${shown(encoding)}).`, {
    field: "content-encoding",
    remedy: "Send the body as it is, without Content-Encoding.",
  });
}

/** The name in a Host header: without port, brackets and a last dot, in lower case; null where it is none. */
function hostName(header: string): string | null {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:@/\s]+))(?::\d{1,5})?$/i.exec(header);
  return match === null ? null : bare(match[1] ?? match[2]);
}

function bare(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}

function shown(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 79)}…` : text);
}
