// All generated requests: a third right, the others as the OpenAPI document allows or a little beside it.

import fc from "fast-check";
import { allowedRequests } from "./allowedRequests.ts";
import { besideAllowed, besideQuestions } from "./besideRequests.ts";
import { type GeneratedRequest, type Subject, shown } from "./request.ts";
import { rightFiles, rightLists, rightModels, rightQuestions } from "./rightRequests.ts";

/** Any request that an HTTP library can send. */
export function requests(subject: Subject): fc.Arbitrary<GeneratedRequest> {
  const { catalogue } = subject;
  const allowed = allowedRequests(subject);
  const any = fc.oneof(
    { weight: 3, arbitrary: rightQuestions(catalogue) },
    { weight: 1, arbitrary: rightFiles(catalogue) },
    { weight: 1, arbitrary: rightModels(catalogue) },
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
