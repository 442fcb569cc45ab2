// docs/configuration.md lists every setting with its variable and flag, and no other.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { it } from "node:test";
import { type Setting, settingNames, settings } from "./settings.ts";

const page = readFileSync(new URL("../../../../docs/configuration.md", import.meta.url), "utf8");
const rows = page.split("\n").filter((line) => line.startsWith("| `"));

for (const name of settingNames) {
  it(`documents ${name}`, () => {
    const { variable, flag, description }: Setting = settings[name];
    const row = rows.find((line) => line.startsWith(`| \`${name}\` |`));
    assert.ok(row, `docs/configuration.md has no row for ${name}`);
    assert.ok(row.includes(`\`${variable}\``), `the row lacks ${variable}`);
    if (flag) assert.ok(row.includes(`\`${flag}\``), `the row lacks ${flag}`);
    assert.ok(row.includes(description), `the row lacks: ${description}`);
  });
}

it("documents no setting that is not there", () => {
  const documented = rows.map((line) => line.match(/^\| `([\w.]+)` \|/)?.[1]);
  assert.deepEqual(documented, settingNames);
});
