// Addresses of XRootD: root://user@host:port//path?opaque, and roots:// where only an encrypted connection will do.

import { XrootdError } from "./errors.ts";

export interface Endpoint {
  /** Host name or address; an IPv6 address without brackets. */
  host: string;
  port: number;
  /** Name to log in with; empty for that of the process's user. */
  user: string;
  /** The connection must be encrypted. */
  tls: boolean;
}

export interface XrootdUrl extends Endpoint {
  /** The address as given. */
  url: string;
  /** As the server gets it: "/a/b" for root://host//a/b. Percent signs are not decoded, as in all of XRootD. */
  path: string;
  /** What follows "?": options for servers on the way, without the "?". */
  opaque: string;
}

export const defaultPort = 1094;
// Scheme, user, host in brackets or not, port, path, opaque.
const form =
  /^(x?roots?):\/\/(?:([^@/?[\]]*)@)?(?:\[([\da-fA-F:.]+(?:%[\w.]+)?)\]|([\w.-]+))(?::(\d{1,5}))?(?:\/([^?]*)(?:\?(.*))?)?$/;

/** Takes an address apart. Throws `invalid`, and says what a good one looks like. */
export function parseUrl(url: string): XrootdUrl {
  const found = form.exec(url);
  const port = found?.[5] === undefined ? defaultPort : Number(found[5]);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they would end a string early at the server
  if (!found || port === 0 || port > 65535 || /[\x00-\x1f\x7f]/.test(url))
    throw new XrootdError({
      kind: "invalid",
      url,
      problem: "is not an XRootD address",
      remedy: "Write root://host//path, root://user@host:1094//path?option=value or roots://host//path.",
    });
  const [, scheme, user = "", ipv6, name, , path = "", opaque = ""] = found;
  return { url, host: ipv6 ?? name, port, user, tls: scheme.endsWith("s"), path, opaque };
}

/** host:port, with brackets around an IPv6 address. */
export function hostPort({ host, port }: { host: string; port: number }): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** Joins opaque data; of a name that occurs twice the later value stands, in the place of the first. */
export function joinOpaque(...parts: string[]): string {
  const values = new Map<string, string>();
  for (const part of parts.flatMap((each) => each.split("&")).filter((each) => each !== "")) {
    values.set(part.split("=", 1)[0], part);
  }
  return [...values.values()].join("&");
}
