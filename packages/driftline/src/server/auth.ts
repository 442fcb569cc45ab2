// The static bearer token, and where a server without one may listen.

import { hash, timingSafeEqual } from "node:crypto";
import { isIPv4 } from "node:net";
import type { FastifyInstance } from "fastify";
import { fail } from "../errors/registry.ts";

/** Routes that tell nothing about the catalogue, for whoever watches over the server. */
const open = new Set(["/healthz", "/readyz"]);

/** Asks every request but those for health for `Authorization: Bearer <token>`. */
export function requireToken(app: FastifyInstance, token: string): void {
  const expected = digest(token);
  app.addHook("onRequest", (request, _reply, done) => {
    const [scheme, given = ""] = (request.headers.authorization ?? "").split(" ");
    // Digests have one length, so the comparison takes the same time for any token.
    if (scheme.toLowerCase() === "bearer" && timingSafeEqual(digest(given), expected)) return done();
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
