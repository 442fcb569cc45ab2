// Command: writes family.schema.json, the JSON Schema for editors, from the zod schema of family.yaml.

import { writeFileSync } from "node:fs";
import { familyJsonSchemaText } from "./schema.ts";

writeFileSync(new URL("./family.schema.json", import.meta.url), familyJsonSchemaText());
