// Requests a little beside the right ones and those that the document allows.

import fc from "fast-check";
import type { TestCatalogue } from "./catalogue.ts";
import { questions } from "./questions.ts";
import { encoded, type GeneratedRequest, post } from "./request.ts";
import { anyText, anyValue, jsonText, spoiled } from "./values.ts";

/** Right questions with something changed: another value, a member more or less, an odd unit, a name mistyped. */
export function besideQuestions({ families }: TestCatalogue): fc.Arbitrary<GeneratedRequest> {
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
  ..."cm/us T ADC ns um/sqrt(cm) cm/us/us m^9 sqrt(sqrt(m)) (((m))) m//s kkm/s °C µm/µs 1/0 % / ^2 sqrt( NaN".split(
    " ",
  ),
  "cm/us cm",
  "cm\u00a0/us",
];

/** A request of the document with one thing changed that keeps it HTTP. */
export function besideAllowed(request: GeneratedRequest): fc.Arbitrary<GeneratedRequest> {
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
