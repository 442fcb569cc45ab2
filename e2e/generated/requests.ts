// Requests: right ones with what they must be answered, those that the OpenAPI document allows, and those a little beside it.

import fc from "fast-check";
import { type PublishedBundle, type RightAnswer, rightAnswer, type TestCatalogue } from "./catalogue.ts";
import type { OpenApi, Operation, Parameter } from "./document.ts";
import type { HttpRequest } from "./exchange.ts";
import { type AskedAndMeant, questions } from "./questions.ts";
import { following, type Known } from "./schemas.ts";
import { anyText, anyValue, jsonText, Raw, spoiled } from "./values.ts";

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

/** Any request. In a counterexample long texts are cut. */
export function requests(subject: Subject): fc.Arbitrary<GeneratedRequest> {
  const parameters = knownParameters(subject);
  const { document, catalogue } = subject;
  const allowed = fc.oneof(
    ...document.operations.map((operation) => allowedRequests(document, operation, parameters)),
  );
  const any = fc.oneof(
    { weight: 3, arbitrary: rightQuestions(catalogue) },
    { weight: 1, arbitrary: rightFiles(catalogue) },
    { weight: 1, arbitrary: rightLists(catalogue) },
    { weight: 3, arbitrary: allowed },
    { weight: 4, arbitrary: besideQuestions(catalogue) },
    { weight: 4, arbitrary: allowed.chain(besideAllowed) },
  );
  return any
    .map(withoutLongHead)
    .map((request) => ({ ...request, [fc.toStringMethod]: () => shown(request) }));
}

/** A request line that is too long is refused before its method is known, so with a body that no answer to HEAD may have. */
function withoutLongHead(request: GeneratedRequest): GeneratedRequest {
  return request.method === "HEAD" && request.path.length > 8_000 ? { ...request, method: "GET" } : request;
}

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

function post(
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

function get(
  path: string,
  rest: Pick<GeneratedRequest, "kind" | "expected"> & Partial<GeneratedRequest>,
): GeneratedRequest {
  return { method: "GET", path, headers: [], body: null, ...rest };
}

function rightQuestions(catalogue: TestCatalogue): fc.Arbitrary<GeneratedRequest> {
  return fc
    .tuple(questions(catalogue.families), fc.constantFrom("resolve", "query", "ensure"), fc.boolean())
    .map(([question, how, pinned]) => {
      const { asked, meant } = question;
      const { family, ...body } = asked;
      const path = `/v1/families/${family}/${how === "ensure" ? "ensure" : "resolve"}`;
      const answer = rightAnswer(catalogue, asked, meant);
      const { key, defaulted, conditions } = meant;
      const expected = { key, defaulted, conditions, answer, job: false };
      if (how === "query") {
        return get(`${path}?${queryOf(question)}`, {
          kind: "right",
          expected: { of: "resolve", ...expected },
        });
      }
      if (how === "resolve")
        return post(path, body, { kind: "right", expected: { of: "resolve", ...expected } });
      // A recipe of its own is always made.
      const choices = pinned ? { seed: 17 } : {};
      const runnable = meant.software.simulator === catalogue.simulators[family];
      const job = !pinned && answer.found ? false : runnable || "invalid_software";
      return post(
        path,
        { ...body, ...choices },
        { kind: "right", expected: { of: "ensure", ...expected, job } },
      );
    });
}

function queryOf({ asked: { conditions, software, accept } }: AskedAndMeant): string {
  const each = (name: string, values: Record<string, unknown>) =>
    Object.entries(values).map(
      ([key, value]) => `${name}=${encoded(`${key}=${value instanceof Raw ? value.text : String(value)}`)}`,
    );
  return [...each("at", conditions), ...each("software", software), `accept=${accept}`].join("&");
}

function rightFiles({ bundles }: TestCatalogue): fc.Arbitrary<GeneratedRequest> {
  return fc
    .constantFrom(...bundles.flatMap((bundle) => bundle.files.map((file) => ({ bundle, file }))))
    .chain(({ bundle, file }) =>
      fc
        .tuple(
          fc.integer({ min: 0, max: file.size - 1 }),
          fc.integer({ min: 0, max: file.size - 1 }),
          fc.constantFrom("whole", "range", "suffix"),
          digestOf(bundle),
        )
        .map(([a, b, how, digest]) => {
          const [first, last] =
            how === "suffix" ? [file.size - 1 - a, file.size - 1] : [Math.min(a, b), Math.max(a, b)];
          const range = how === "suffix" ? `bytes=-${a + 1}` : `bytes=${first}-${last}`;
          return get(`/v1/models/${digest}/files/${file.path}`, {
            kind: "right",
            headers: how === "whole" ? [] : [["range", range]],
            expected: {
              of: "file",
              sha256: file.sha256,
              size: file.size,
              range: how === "whole" ? null : [first, last],
            },
          });
        }),
    );
}

function digestOf({ digest }: PublishedBundle): fc.Arbitrary<string> {
  return fc.oneof(
    fc.constant(digest),
    fc.integer({ min: 12, max: 63 }).map((length) => digest.slice(0, length)),
  );
}

function rightLists({ families, bundles }: TestCatalogue): fc.Arbitrary<GeneratedRequest> {
  const names = [...families.map(({ name }) => name), "nobody.asked"];
  return fc.option(fc.constantFrom(...names)).map((family) => {
    const wanted = bundles.filter((bundle) => family === null || bundle.family === family);
    return get(family === null ? "/v1/models" : `/v1/models?family=${family}`, {
      kind: "right",
      expected: { of: "models", digests: wanted.map(({ digest }) => digest).sort() },
    });
  });
}

/** What parameters and members can be called so that something is there. */
function knownParameters({ catalogue: { families, bundles }, jobs }: Subject): Known {
  const question = questions(families);
  return {
    family: fc.constantFrom(...families.map(({ name }) => name)),
    digest: fc.constantFrom(...bundles).chain(digestOf),
    path: fc.constantFrom("bundle.json", ...bundles[0].files.map(({ path }) => path)),
    id: fc.constantFrom(...jobs),
    conditions: question.map(({ asked }) => asked.conditions),
    software: question.map(({ asked }) => asked.software),
    at: fc.array(fc.constantFrom("drift_velocity=5.5cm/us", "noise=1", "particle=pion", "gas=x"), {
      maxLength: 2,
    }),
    files: fc.array(fc.constantFrom("/nowhere", "/etc", "/dev/zero", "/dev/stdin", "\0", ""), {
      minLength: 1,
      maxLength: 2,
    }),
    model: fc.constantFrom("energy-score", "wgan-gp"),
    hyperparameters: fc.dictionary(anyText, anyValue, { maxKeys: 2 }),
  };
}

/** Requests that follow the document. */
function allowedRequests(
  document: OpenApi,
  operation: Operation,
  known: Known,
): fc.Arbitrary<GeneratedRequest> {
  const { components } = document;
  const valueFor = ({ name, schema }: Parameter) => {
    const any = following(schema, components);
    const better = known[name];
    return better === undefined
      ? any
      : fc.oneof({ weight: 4, arbitrary: better }, { weight: 1, arbitrary: any });
  };
  const of = (place: Parameter["in"]) =>
    fc.tuple(
      ...operation.parameters
        .filter((parameter) => parameter.in === place)
        .map((parameter) => {
          const value = valueFor(parameter);
          return fc.tuple(fc.constant(parameter.name), parameter.required ? value : fc.option(value));
        }),
    );
  const body =
    operation.body === null ? fc.constant(undefined) : following(operation.body, components, known);
  return fc.tuple(of("path"), of("query"), of("header"), body).map(([path, query, headers, content]) => {
    const words = query.flatMap(([name, value]) =>
      value === null ? [] : [value].flat().map((each) => `${encoded(name)}=${encoded(String(each))}`),
    );
    return {
      kind: operation.operationId,
      method: operation.method,
      path:
        path.reduce(
          (at, [name, value]) => at.replace(`{${name}}`, () => encoded(String(value))),
          operation.path,
        ) + (words.length > 0 ? `?${words.join("&")}` : ""),
      headers: [
        ...(content === undefined ? [] : [["content-type", "application/json"] as [string, string]]),
        ...headers.flatMap(([name, value]): [string, string][] =>
          value === null ? [] : [[name, String(value)]],
        ),
      ],
      body: content === undefined ? null : jsonText(content),
      expected: null,
    };
  });
}

/** Right questions with something changed: another value, a member more or less, an odd unit, a name mistyped. */
function besideQuestions({ families }: TestCatalogue): fc.Arbitrary<GeneratedRequest> {
  const conditionNames = families.flatMap(({ conditions }) => conditions.map(({ name }) => name));
  const odd = fc.oneof(
    anyText,
    fc
      .tuple(fc.constantFrom("5.5", "1e3", "-0", "0.5", "9".repeat(99)), fc.constantFrom(...oddUnits))
      .map((parts) => parts.join(" ")),
  );
  return fc
    .tuple(
      questions(families),
      fc.constantFrom("resolve", "ensure"),
      fc.constantFrom(...conditionNames),
      odd,
      fc.boolean(),
    )
    .chain(([{ asked }, how, name, value, whole]) => {
      const { family, ...body } = asked;
      const path = `/v1/families/${family}/${how}`;
      if (!whole) {
        const conditions = { ...body.conditions, [name]: value };
        return fc.constant(post(path, { ...body, conditions }, { kind: "odd value", expected: null }));
      }
      return spoiled(body).map((changed) =>
        post(path, changed, { kind: "spoiled question", expected: null }),
      );
    });
}

const oddUnits = [
  "cm/us",
  "T",
  "ADC",
  "ns",
  "um/sqrt(cm)",
  "cm/us/us",
  "m^9",
  "sqrt(sqrt(m))",
  "(((m)))",
  "m//s",
  "kkm/s",
  "°C",
  "µm/µs",
  "1/0",
  "%",
  "cm/us cm",
  "/",
  "^2",
  "sqrt(",
  "NaN",
  "cm\u00a0/us",
];

/** A request of the document with one thing changed that keeps it HTTP. */
function besideAllowed(request: GeneratedRequest): fc.Arbitrary<GeneratedRequest> {
  const { path } = request;
  const change = (part: Partial<GeneratedRequest>) =>
    fc.constant({ ...request, ...part, kind: `beside ${request.kind}` });
  const text = anyText.map(encoded);
  return fc.oneof(
    fc
      .constantFrom("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
      .chain((method) => change({ method })),
    text.chain((word) => change({ path: `${path}${path.includes("?") ? "&" : "?"}${word}=${word}` })),
    text.chain((word) => change({ path: `${path.split("?")[0]}/${word}` })),
    fc
      .constantFrom("//", "/./", "/../", "/%2e%2e/", "/%2f/", "/%/", "/%ff/", "/%c0%af/", ";/", "/\\/")
      .chain((word) => change({ path: path.replace(/\/(?=[^/]*$)/, word) })),
    fc
      .constantFrom(
        "text/plain",
        "application/xml",
        "application/json; charset=utf-16",
        "multipart/form-data",
        "application/json, text/plain",
        "",
        "json",
        "a/b/c",
      )
      .chain((type) => change({ headers: [["content-type", type]], body: request.body ?? "{}" })),
    fc
      .constantFrom(
        ["accept", "text/html"],
        ["range", "bytes=9-1"],
        ["range", "bytes=99999999999-"],
        ["range", "lines=1-2"],
        ["if-none-match", "*"],
        ["if-range", "x"],
        ["authorization", "Bearer x"],
        ["last-event-id", "x"],
        ["expect", "100-continue"],
        ["x-long", "a".repeat(9_000)],
      )
      .chain((header) => change({ headers: [...request.headers, header as [string, string]] })),
    anyValue.chain((value) =>
      change({ body: jsonText(value), headers: [["content-type", "application/json"]] }),
    ),
    anyText.chain((body) => change({ body, headers: [["content-type", "application/json"]] })),
  );
}
