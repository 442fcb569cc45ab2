// What a generated request is: how it is sent, and what it must be answered where that is known.

import type { PublishedBundle, RightAnswer, TestCatalogue } from "./catalogue.ts";
import type { OpenApi } from "./document.ts";
import type { HttpRequest } from "./exchange.ts";
import { jsonText } from "./values.ts";

/** What a right request must be answered. */
export type Expected =
  | {
      of: "resolve" | "ensure";
      key: string;
      defaulted: string[];
      conditions: Record<string, string>;
      answer: RightAnswer;
      /** A job is planned, or the code that says why there can be none. */
      job: boolean | "invalid_software";
    }
  | { of: "models"; digests: string[] }
  | { of: "model"; digest: string }
  | { of: "tar"; files: PublishedBundle["files"] }
  | { of: "file"; sha256: string; size: number; range: [first: number, last: number] | null };

export interface GeneratedRequest extends HttpRequest {
  kind: string;
  expected: Expected | null;
}

export interface Subject {
  document: OpenApi;
  catalogue: TestCatalogue;
  /** Jobs that may be asked for and cancelled. */
  jobs: string[];
}

/** As it is shown in a counterexample, with long texts cut. */
export function shown(request: GeneratedRequest): string {
  return JSON.stringify(request, (_, value: unknown) =>
    typeof value === "string" && value.length > 400
      ? `${value.slice(0, 400)}… ${value.length} characters`
      : value,
  );
}

/** All that the asker said, as they would read it in an answer. */
export function saidIn({ method, path, headers, body }: HttpRequest): string {
  let decoded = "";
  try {
    decoded = decodeURIComponent(path.replaceAll("+", " "));
  } catch {
    // Broken on purpose.
  }
  return [method, path, decoded, ...headers.flat(), body ?? ""].join("\n");
}

/** Percent-encoded as a whole: also `/`, and halves of surrogate pairs as the bytes that stand for none. */
export function encoded(text: string): string {
  return [...Buffer.from(text)]
    .map((byte) =>
      /[\w.~-]/.test(String.fromCharCode(byte))
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).padStart(2, "0")}`,
    )
    .join("");
}

export function post(
  path: string,
  body: unknown,
  rest: Pick<GeneratedRequest, "kind" | "expected">,
): GeneratedRequest {
  return {
    method: "POST",
    path,
    headers: [["content-type", "application/json"]],
    body: jsonText(body),
    ...rest,
  };
}

export function get(
  path: string,
  rest: Pick<GeneratedRequest, "kind" | "expected"> & Partial<GeneratedRequest>,
): GeneratedRequest {
  return { method: "GET", path, headers: [], body: null, ...rest };
}
