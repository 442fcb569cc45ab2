// Which locations are addresses of servers, and of which kind: told by the scheme alone.

export type Scheme = "http" | "https" | "root" | "roots";
const schemes: Record<string, Scheme> = {
  http: "http",
  https: "https",
  root: "root",
  xroot: "root",
  roots: "roots",
  xroots: "roots",
};

/** The scheme of an address in lower case, known here or not; null for a path. */
export function schemeText(location: string): string | null {
  return /^([a-z][a-z0-9+.-]+):\/\//i.exec(location)?.[1].toLowerCase() ?? null;
}

/** The scheme of an address that can be read; null for paths and for other addresses. */
export function schemeOf(location: string): Scheme | null {
  return schemes[schemeText(location) ?? ""] ?? null;
}

/** host or host:port of an address; null for a path. */
export function hostOf(location: string): string | null {
  if (schemeText(location) === null) return null;
  return /^[^:]+:\/\/(?:[^@/?]*@)?([^/?]*)/.exec(location)?.[1] ?? null;
}

/** The address without tokens, signatures and passwords, for messages and records. */
export function withoutSecrets(location: string): string {
  if (schemeText(location) === null) return location;
  return location
    .replace(/^([^:]+:\/\/[^@/?:]*):[^@/?]*@/, "$1:…@")
    .replace(/([?&][^=&]*(?:authz|token|signature|secret|passw|key)[^=&]*=)[^&]*/gi, "$1…");
}

/** Whether a location is an address of whatever kind, and no path. */
export const isAddress = (location: string) => schemeText(location) !== null;
