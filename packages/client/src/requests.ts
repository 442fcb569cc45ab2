// Paths, queries and pages of the HTTP interface, as the client asks for them.

import type { z } from "zod";
import { pageSize } from "./api.ts";

export interface Request {
  method?: string;
  body?: unknown;
  /** A body that is no JSON, made anew for each try. */
  content?: { type: string; open(): AsyncIterable<Uint8Array> };
  accept?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** How a server is asked. */
export interface Asking {
  /** Status and body of a good answer, or of one with a miss where its status is expected; else the server's error. */
  ask(path: string, request?: Request, expected?: number[]): Promise<[number, unknown]>;
  read<T>(schema: z.ZodType<T>, json: unknown): T;
  get<T>(schema: z.ZodType<T>, path: string): Promise<T>;
}

/** The entries of all pages; a page is asked for when those before it are taken. */
export async function* listing<T>(
  page: (after: string | null) => Promise<[T[], string | null]>,
): AsyncGenerator<T> {
  for (let next: string | null = null; ; ) {
    const [entries, following] = await page(next);
    yield* entries;
    if (following === null) return;
    next = following;
  }
}

export function query(given: Record<string, string | undefined>): string {
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  return `?${new URLSearchParams(set as [string, string][])}`;
}

/** As `query`, for a page of a listing. */
export function pageQuery(given: Record<string, string | undefined>): string {
  return query({ ...given, limit: String(pageSize.largest) });
}

/** A path whose values are encoded, so that a name can't leave its place. */
export function segments(texts: TemplateStringsArray, ...values: string[]): string {
  return texts.reduce((path, text, i) => {
    const value = values[i - 1];
    // "." and ".." mean something to URLs even when encoded.
    return `${path}${value === "." || value === ".." ? `${value} ` : encodeURIComponent(value)}${text}`;
  });
}
