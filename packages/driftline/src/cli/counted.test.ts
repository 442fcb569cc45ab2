import assert from "node:assert/strict";
import { it } from "node:test";
import { counted } from "./counted.ts";

it("one model is not 1 models", () => {
  assert.deepEqual(
    [0, 1, 2].map((count) => counted(count, "model")),
    ["0 models", "1 model", "2 models"],
  );
});
