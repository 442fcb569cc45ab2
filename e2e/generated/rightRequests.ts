// Right requests: questions, files and lists whose answers are known.

import fc from "fast-check";
import { type PublishedBundle, rightAnswer, type TestCatalogue } from "./catalogue.ts";
import { type AskedAndMeant, questions } from "./questions.ts";
import { encoded, type GeneratedRequest, get, post } from "./request.ts";
import { Raw } from "./values.ts";

export function rightQuestions(catalogue: TestCatalogue): fc.Arbitrary<GeneratedRequest> {
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

export function rightFiles({ bundles }: TestCatalogue): fc.Arbitrary<GeneratedRequest> {
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

/** The digest of a bundle, or enough of it. */
export function digestOf({ digest }: PublishedBundle): fc.Arbitrary<string> {
  return fc.oneof(
    fc.constant(digest),
    fc.integer({ min: 12, max: 63 }).map((length) => digest.slice(0, length)),
  );
}

/** One model, and all of its files at once. */
export function rightModels({ bundles }: TestCatalogue): fc.Arbitrary<GeneratedRequest> {
  return fc.constantFrom(...bundles).chain((bundle) =>
    fc.tuple(digestOf(bundle), fc.boolean()).map(([digest, tar]) =>
      get(`/v1/models/${digest}${tar ? "/bundle.tar" : ""}`, {
        kind: "right",
        expected: tar ? { of: "tar", files: bundle.files } : { of: "model", digest: bundle.digest },
      }),
    ),
  );
}

export function rightLists({ families, bundles }: TestCatalogue): fc.Arbitrary<GeneratedRequest> {
  const names = [...families.map(({ name }) => name), "nobody.asked"];
  return fc.option(fc.constantFrom(...names)).map((family) => {
    const wanted = bundles.filter((bundle) => family === null || bundle.family === family);
    return get(family === null ? "/v1/models" : `/v1/models?family=${family}`, {
      kind: "right",
      expected: { of: "models", digests: wanted.map(({ digest }) => digest).sort() },
    });
  });
}
