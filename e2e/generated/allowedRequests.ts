// Requests that the OpenAPI document allows, of every operation, mostly about what is there.

import fc from "fast-check";
import type { Operation, Parameter } from "./document.ts";
import { questions } from "./questions.ts";
import { encoded, type GeneratedRequest, type Subject } from "./request.ts";
import { digestOf } from "./rightRequests.ts";
import { following, type Known, type Schema } from "./schemas.ts";
import { anyText, anyValue, jsonText } from "./values.ts";

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
export function allowedRequests(subject: Subject): fc.Arbitrary<GeneratedRequest> {
  const { operations, components } = subject.document;
  const known = knownParameters(subject);
  // What is retired serves never again, and the right answers would be others.
  const lasting = operations.filter(({ operationId }) => operationId !== "retireModel");
  return fc.oneof(...lasting.map((operation) => requestsOf(operation, components, known)));
}

function requestsOf(
  operation: Operation,
  components: Record<string, Schema>,
  known: Known,
): fc.Arbitrary<GeneratedRequest> {
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
