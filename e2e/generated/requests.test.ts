// Generated requests to a real server: a well-formed error or a right answer each time, and the server lives.

import assert from "node:assert/strict";
import { Agent } from "node:http";
import { test } from "node:test";
import fc from "fast-check";
import { checkAnswer, operationOf } from "./document.ts";
import { answersIn, ask, exchangeBytes } from "./exchange.ts";
import { generated } from "./options.ts";
import { startPythonKeys } from "./pythonKeys.ts";
import { rawRequests } from "./rawRequests.ts";
import { saidIn } from "./request.ts";
import { requests } from "./requests.ts";
import { checkExpected } from "./rightAnswers.ts";
import { startSubject } from "./subject.ts";

/** A third of the examples are bytes on a socket. */
const rawRuns = Math.floor(generated.numRuns / 3);

test("every generated request has a well-formed error or a right answer", async (t) => {
  const subject = await startSubject(t);
  const python = startPythonKeys(t, subject);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  let asked = 0;
  const property = fc.asyncProperty(requests(subject), async (request) => {
    const answer = await ask(subject.port, agent, request);
    const operation = operationOf(subject.document, request.method, request.path);
    checkAnswer(subject.document, operation, request.method, answer, saidIn(request));
    await python.check(request, answer);
    if (request.expected !== null) checkExpected(request.expected, answer);
    if (++asked % 100 === 0) await subject.checkHealth();
  });
  await fc.assert(property, { ...generated, numRuns: generated.numRuns - rawRuns });
  assert.ok(python.compared() > generated.numRuns / 10, `only ${python.compared()} questions compared`);
  await subject.checkHealth();

  const raw = fc.asyncProperty(rawRequests(subject.document), async ({ bytes, whole }) => {
    const head = bytes.subarray(0, 5).toString("latin1") === "HEAD ";
    const answers = answersIn(await exchangeBytes(subject.port, bytes, !whole), head);
    if (whole) assert.ok(answers.length > 0, "no answer");
    const said = bytes.toString();
    for (const answer of answers) {
      // Whatever broken bytes asked for, an answer that is no error is one of the routes' own.
      if (answer.status >= 400)
        checkAnswer(subject.document, undefined, head ? "HEAD" : "unknown", answer, said);
    }
    if (++asked % 100 === 0) await subject.checkHealth();
  });
  await fc.assert(raw, { ...generated, numRuns: rawRuns });
  await subject.checkHealth();
});
