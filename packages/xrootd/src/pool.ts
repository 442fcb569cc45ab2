// Connections by server, made when first needed and shared by all that is asked of that server.

import { XrootdError } from "./errors.ts";
import { type Connection, connect, type LoginSettings } from "./login.ts";
import { type Endpoint, hostPort } from "./url.ts";

export interface Pool {
  /** A connection that is logged in. `token` is what a redirecting server asked to show there. */
  get(endpoint: Endpoint, token: string, signal?: AbortSignal): Promise<Connection>;
  /** Whether this client was ever connected to that server. */
  hasReached(endpoint: Endpoint): boolean;
  close(): void;
}

export function connectionPool(settings: LoginSettings): Pool {
  const connections = new Map<string, Promise<Connection>>();
  const reached = new Set<string>();
  let closed = false;
  return {
    async get(endpoint, token, signal) {
      if (closed)
        throw new XrootdError({
          kind: "invalid",
          problem: "this client was closed",
          remedy: "Make a new one.",
        });
      signal?.throwIfAborted();
      const key = JSON.stringify([endpoint.tls, endpoint.user, hostPort(endpoint), token]);
      const held = connections.get(key);
      if (held) {
        const connection = await abortable(held, signal);
        if (connection.failure() === undefined) return connection;
        if (connections.get(key) === held) connections.delete(key);
      }
      // Another caller may have begun a new one meanwhile.
      let fresh = connections.get(key);
      if (!fresh) {
        // It does not end with this caller's signal, because others may come to wait for it.
        fresh = connect(endpoint, token, settings);
        connections.set(key, fresh);
        fresh.then(
          () => reached.add(hostPort(endpoint)),
          () => connections.delete(key),
        );
      }
      return abortable(fresh, signal);
    },
    hasReached: (endpoint) => reached.has(hostPort(endpoint)),
    close() {
      closed = true;
      for (const connection of connections.values())
        connection.then(
          (each) => each.close(),
          () => {},
        );
      connections.clear();
    },
  };
}

/** The promise, or the signal's reason if that comes first. */
export function abortable<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });
}
