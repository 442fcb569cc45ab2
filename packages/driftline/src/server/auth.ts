// The static bearer token, and where a server without one may listen.

import { hash, timingSafeEqual } from "node:crypto";
import { isIPv4 } from "node:net";
import type { FastifyInstance } from "fastify";
import { fail } from "../errors/registry.ts";

/** Routes that tell nothing about the catalogue, for whoever watches over the server. */
const open = new Set(["/healthz", "/readyz"]);

/** Whether the header is `Authorization: Bearer <token>`; any header is right where there is no token. */
export function tokenCheck(token: string | null | undefined): (authorization: string | undefined) => boolean {
  if (!token) return () => true;
  const expected = digest(token);
  return (authorization = "") => {
    const [scheme, given = ""] = authorization.split(" ");
    // Digests have one length, so the comparison takes the same time for any token.
    return scheme.toLowerCase() === "bearer" && timingSafeEqual(digest(given), expected);
  };
}

/** Asks every request but those for health for the token. */
export function requireToken(app: FastifyInstance, hasToken: ReturnType<typeof tokenCheck>): void {
  app.addHook("onRequest", (request, _reply, done) => {
    const { authorization = "" } = request.headers;
    if (hasToken(authorization)) return done();
    const given = authorization.split(" ")[1] ?? "";
    if (open.has(request.routeOptions.url ?? "")) return done();
    const error = fail(
      "unauthorized",
      given === "" ? "This server asks for a token." : "The token is not right.",
      {
        field: "authorization",
        remedy: "Set DRIFTLINE_TOKEN, or send the header Authorization: Bearer <token>.",
      },
    );
    done(error);
  });
}

/** Refuses to offer a catalogue without a token to other machines. */
export function refuseOpenServer(host: string, token: string | null | undefined): void {
  if (token || isLoopback(host)) return;
  throw fail("usage", `Serving at ${host} would let anyone who reaches this machine make and cancel jobs.`, {
    field: "host",
    remedy: "Set a token (DRIFTLINE_SERVER_TOKEN), or serve at 127.0.0.1.",
  });
}

/** Whether only programs of this machine reach an address or name. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIPv4(host) && host.startsWith("127."));
}

function digest(text: string): Buffer {
  return hash("sha256", text, "buffer");
}
