// A catalogue behind a server: the Driftline interface over HTTP.

import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import {
  type Driftline,
  familySummary,
  hit,
  type Job,
  type JobEvent,
  job,
  jobEvent,
  jobPage,
  miss,
  model,
  modelPage,
} from "./api.ts";
import { connectCampaigns } from "./connectCampaigns.ts";
import { DriftlineError } from "./error.ts";
import { errorOf } from "./problem.ts";
import { listing, pageQuery, type Request, segments } from "./requests.ts";
import { serverEvents } from "./serverEvents.ts";

export interface ConnectOptions {
  /** Bearer token, where the server asks for one. */
  token?: string | null;
  /** How long a full server is asked again, and a lost stream of events tried, before giving up; default 2 minutes. */
  patienceMs?: number;
}

/** The server sends a comment every 15 s: three missing mean that the connection is lost. */
const quietMs = 45_000;

/**
 * Connects to `driftline serve` at a URL such as "http://127.0.0.1:8080"; nothing is sent before the first question.
 * Errors: those of the server with their code, field and remedy; `unreachable` where none answers.
 */
export function connect(url: string, options: ConnectOptions = {}): Driftline {
  const { token, patienceMs = 120_000 } = options;
  const base = baseUrl(url);
  const closed = new AbortController();

  async function send(path: string, request: Request = {}): Promise<Response> {
    const { signal } = request;
    const signals = signal === undefined ? closed.signal : AbortSignal.any([closed.signal, signal]);
    const started = Date.now();
    for (;;) {
      const response = await sendOnce(path, request, signals);
      const seconds = response.headers.get("retry-after");
      if (response.status !== 503 || seconds === null || Date.now() - started >= patienceMs) return response;
      // A full server has done nothing, and what is asked of it can be asked twice.
      await response.body?.cancel();
      const pause = (Number(seconds) || 0.1) * 1000 * (0.5 + Math.random());
      await sleep(pause, undefined, { signal: signals });
    }
  }

  async function sendOnce(path: string, request: Request, signals: AbortSignal): Promise<Response> {
    const { method = "GET", body, content, accept = "application/json" } = request;
    const type = content?.type ?? (body === undefined ? undefined : "application/json");
    try {
      return await fetch(new URL(path, base), {
        method,
        headers: {
          accept,
          ...(type !== undefined && { "content-type": type }),
          ...(token && { authorization: `Bearer ${token}` }),
          ...request.headers,
        },
        body: content
          ? ReadableStream.from(content.open())
          : body === undefined
            ? null
            : JSON.stringify(body),
        // Node asks for this word with a stream.
        ...(content && { duplex: "half" as const }),
        signal: signals,
      });
    } catch (cause) {
      if (signals.aborted) throw cause;
      throw unreachable(base, reasonOf(cause), cause);
    }
  }

  /** The body of a good answer as JSON, or of one of the statuses named; else the server's error. */
  async function ask(
    path: string,
    request: Request = {},
    expected: number[] = [],
  ): Promise<[number, unknown]> {
    const response = await send(path, request);
    let json: unknown;
    try {
      json = await response.json();
    } catch (cause) {
      throw unreachable(base, `it answered ${response.status} without JSON`, cause);
    }
    if (response.ok || (expected.includes(response.status) && isMiss(json))) return [response.status, json];
    throw errorOf(json) ?? unreachable(base, `it answered ${response.status}, not as a Driftline server`);
  }

  function read<T>(schema: z.ZodType<T>, json: unknown): T {
    const parsed = schema.safeParse(json);
    if (parsed.success) return parsed.data;
    const { path, message } = parsed.error.issues[0];
    throw unreachable(base, `its answer is not as this client knows it: ${path.join(".")}: ${message}`);
  }

  async function get<T>(schema: z.ZodType<T>, path: string): Promise<T> {
    return read(schema, (await ask(path))[1]);
  }

  async function bytes(path: string): Promise<Response & { body: ReadableStream<Uint8Array> }> {
    const response = await send(path, { accept: "*/*" });
    if (response.ok && response.body !== null) {
      return response as Response & { body: ReadableStream<Uint8Array> };
    }
    const problem = errorOf(await response.json().catch(() => undefined));
    throw problem ?? unreachable(base, `it answered ${response.status}, not as a Driftline server`);
  }

  async function* events(
    id: string,
    { after = 0, signal }: { after?: number; signal?: AbortSignal } = {},
  ): AsyncGenerator<JobEvent> {
    let last = after;
    let connected = false;
    let lostAt = 0;
    for (let tries = 0; ; tries++) {
      try {
        const response = await send(segments`v1/jobs/${id}/events`, {
          accept: "text/event-stream",
          headers: last > 0 ? { "last-event-id": String(last) } : {},
          signal,
        });
        if (!response.ok || response.body === null) {
          const problem = errorOf(await response.json().catch(() => undefined));
          throw problem ?? unreachable(base, `it answered ${response.status}, not as a Driftline server`);
        }
        connected = true;
        for await (const { event, data } of serverEvents(response.body, quietMs)) {
          tries = 0;
          lostAt = 0;
          if (event === "end") return;
          if (event === "problem") throw errorOf(JSON.parse(data)) ?? unreachable(base, "bad event");
          const next = read(jobEvent, JSON.parse(data));
          // Whoever sits between may replay: an event is given once.
          if (next.seq <= last) continue;
          last = next.seq;
          yield next;
        }
      } catch (error) {
        if (signal?.aborted) return;
        const temporary =
          !(error instanceof DriftlineError) || error.code === "unreachable" || error.code === "busy";
        // A server that is busy has said so and will take the next try; one that never answered may be the wrong one.
        const busy = error instanceof DriftlineError && error.code === "busy";
        if (!(connected || busy) || !temporary || closed.signal.aborted) throw error;
        lostAt ||= Date.now();
        if (Date.now() - lostAt > patienceMs) throw error;
      }
      // The stream was cut before the job ended: go on after the last event.
      const pause = Math.min(5_000, 100 * 2 ** Math.min(tries, 10)) * (0.5 + Math.random() / 2);
      await sleep(pause, undefined, { signal }).catch(() => {});
      if (signal?.aborted) return;
    }
  }

  return {
    families: async () => (await get(z.object({ families: z.array(familySummary) }), "v1/families")).families,
    async resolve(family, request) {
      const [status, json] = await ask(
        segments`v1/families/${family}/resolve`,
        { method: "POST", body: request },
        [404],
      );
      return status === 404 ? read(miss, json) : read(hit, json);
    },
    async ensure(family, request) {
      const [status, json] = await ask(segments`v1/families/${family}/ensure`, {
        method: "POST",
        body: request,
      });
      return status === 202 ? { model: null, job: read(job, json) } : { model: read(hit, json), job: null };
    },
    models: ({ family, after } = {}) =>
      listing(async (from) => {
        const { models, next } = await get(
          modelPage,
          `v1/models${pageQuery({ family, after: from ?? after })}`,
        );
        return [models, next];
      }),
    model: (digest) => get(model, segments`v1/models/${digest}`),
    async manifest(digest) {
      const response = await bytes(segments`v1/models/${digest}/files/bundle.json`);
      return new Uint8Array(await response.arrayBuffer());
    },
    async file(digest, path) {
      const encoded = path.split("/").map(encodeURIComponent).join("/");
      return (await bytes(`${segments`v1/models/${digest}/files/`}${encoded}`)).body;
    },
    jobs: ({ after } = {}) =>
      listing(async (from) => {
        const { jobs, next } = await get(jobPage, `v1/jobs${pageQuery({ after: from ?? after })}`);
        return [jobs, next];
      }),
    job: (id): Promise<Job> => get(job, segments`v1/jobs/${id}`),
    events,
    async cancel(id) {
      const [, json] = await ask(segments`v1/jobs/${id}/cancel`, { method: "POST" });
      return read(job, json);
    },
    async report(id) {
      const response = await bytes(segments`v1/jobs/${id}/report`);
      return new Uint8Array(await response.arrayBuffer());
    },
    async push({ open }, { data } = {}) {
      const files = (data?.files ?? []).map((file): [string, string] => ["data", file]);
      const [status, json] = await ask(`v1/models?${new URLSearchParams(files)}`, {
        method: "POST",
        content: { type: "application/x-tar", open },
      });
      return status === 202 ? { model: null, job: read(job, json) } : { model: read(model, json), job: null };
    },
    campaigns: connectCampaigns({ ask, read, get }),
    close: async () => closed.abort(),
  };
}

function isMiss(json: unknown): boolean {
  return miss.safeParse(json).success;
}

function baseUrl(url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (
    parsed === undefined ||
    !/^https?:$/.test(parsed.protocol) ||
    parsed.username !== "" ||
    parsed.password !== ""
  ) {
    throw new DriftlineError("usage", `${JSON.stringify(url)} is not the URL of a Driftline server`, {
      field: "url",
      remedy: "Give a URL such as http://127.0.0.1:8080, without a user's name or password.",
    });
  }
  if (!parsed.pathname.endsWith("/")) parsed.pathname += "/";
  return parsed;
}

function unreachable(base: URL, reason: string, cause?: unknown): DriftlineError {
  return new DriftlineError(
    "unreachable",
    `No usable answer from the Driftline server at ${base.href}: ${reason}`,
    {
      field: "url",
      remedy: `Check the URL, and that \`driftline serve\` runs there (curl ${new URL("healthz", base).href}).`,
      cause,
    },
  );
}

/** What went wrong below fetch, which itself only says "fetch failed". */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause as NodeJS.ErrnoException | undefined) : undefined;
  if (cause?.code === "ECONNREFUSED") return "the connection was refused";
  if (cause?.code === "ENOTFOUND") return "its host name is not known";
  // OpenSSL's words for a certificate of an unknown authority, such as UNABLE_TO_VERIFY_LEAF_SIGNATURE.
  if (/SELF_SIGNED|UNABLE_TO_/.test(cause?.code ?? "")) {
    return `its certificate is not trusted (${cause?.message}); NODE_EXTRA_CA_CERTS=FILE names an authority of your own`;
  }
  return cause?.message || (error instanceof Error ? error.message : String(error));
}
