// The schema of family.yaml: its JSON Schema is committed, every field is documented, and the shipped families follow it.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { loadFamilies, loadFamily } from "./loadFamily.ts";
import { canonicalQuestion } from "./question.ts";
import { familyJsonSchemaText } from "./schema.ts";

const root = new URL("../../../../", import.meta.url);

interface JsonSchema {
  description?: string;
  properties?: Record<string, JsonSchema>;
  additionalProperties?: JsonSchema | boolean;
  items?: JsonSchema;
  prefixItems?: JsonSchema[];
  anyOf?: JsonSchema[];
}

test("family.schema.json is what writeSchema.ts writes", () => {
  const committed = readFileSync(new URL("./family.schema.json", import.meta.url), "utf8");
  assert.equal(committed, familyJsonSchemaText(), "run: node packages/driftline/src/family/writeSchema.ts");
});

/** Every field as it is written in docs/families.md: `conditions.NAME.grid`, `inputs[].unit`. */
function fieldsOf(schema: JsonSchema, path = ""): { path: string; description?: string }[] {
  const below = [
    ...Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
      const field = path === "" ? name : `${path}.${name}`;
      return [{ path: field, description: property.description }, ...fieldsOf(property, field)];
    }),
    ...(schema.items ? fieldsOf(schema.items, `${path}[]`) : []),
    ...(schema.prefixItems ?? []).flatMap((item) => fieldsOf(item, `${path}[]`)),
    ...(schema.anyOf ?? []).flatMap((option) => fieldsOf(option, path)),
  ];
  const named = schema.additionalProperties;
  return typeof named === "object" ? [...below, ...fieldsOf(named, `${path}.NAME`)] : below;
}

test("every field is described in the schema and in docs/families.md", () => {
  const fields = fieldsOf(JSON.parse(familyJsonSchemaText()) as JsonSchema);
  assert.ok(fields.length > 50, `${fields.length}`);
  const docs = readFileSync(new URL("docs/families.md", root), "utf8");
  assert.deepEqual(
    fields.filter(({ description }) => !description),
    [],
  );
  assert.deepEqual(
    [...new Set(fields.map(({ path }) => path))].filter((path) => !docs.includes(`\`${path}\``)),
    [],
  );
  const documented = [...docs.matchAll(/^\| `([a-z][\w.[\]]*)`/gm)].map(([, path]) => path);
  assert.deepEqual(
    documented.filter((path) => !fields.some((field) => field.path === path)),
    [],
  );
});

test("the example of docs/families.md is a family, and its mistakes are answered as shown", () => {
  const docs = readFileSync(new URL("docs/families.md", root), "utf8");
  const [yaml, shown] = ["yaml", "text"].map(
    (kind) => new RegExp(`\`\`\`${kind}\\n(.*?)\`\`\``, "s").exec(docs)![1],
  );
  const directory = mkdtempSync(join(tmpdir(), "driftline-docs-"));
  try {
    mkdirSync(join(directory, "toy.drift"));
    const path = join(directory, "toy.drift/family.yaml");
    writeFileSync(path, yaml);
    assert.equal(loadFamily(path).name, "toy.drift");
    const wrong = yaml
      .replace("grid:", "gird:")
      .replace("coordinate: drift_length", "coordinate: drift_lenght");
    writeFileSync(path, wrong);
    assert.throws(
      () => loadFamily(path),
      ({ message }: Error) => {
        assert.equal(`${message.replaceAll(`${directory}/`, "")}\n`, shown);
        return true;
      },
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("the shipped families are valid, name the schema for editors, and have a key at nominal conditions", () => {
  const families = loadFamilies([fileURLToPath(new URL("families", root))]);
  assert.ok(families.has("mpd.tpc"));
  for (const family of families.values()) {
    const [first] = readFileSync(family.source, "utf8").split("\n");
    const [, reference] = /^# yaml-language-server: \$schema=(\S+)$/.exec(first) ?? [];
    assert.ok(reference, `${family.source} begins with the yaml-language-server comment`);
    const schema = new URL(reference, `file://${family.source}`);
    assert.equal(fileURLToPath(schema), fileURLToPath(new URL("./family.schema.json", import.meta.url)));
    assert.match(canonicalQuestion(family, {}).key, /^k1-[0-9a-f]{64}$/);
  }
});
