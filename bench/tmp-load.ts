import { conditionsOf, digestOf, family } from "./catalogue.ts";
import { load } from "./resolve-http/load.ts";

const models = Number(process.argv[3]);
const asked = Array.from({ length: Math.min(models, 50_000) }, (_, i) => (i * 7919) % models);
console.log(
  await load({
    url: new URL(process.argv[2]),
    path: `/v1/families/${family.name}/resolve`,
    bodies: asked.map((i) => JSON.stringify({ conditions: conditionsOf(i) })),
    holds: asked.map((i) => `"bundle":"${digestOf(i)}"`),
    check() {},
    connections: 32,
    seconds: Number(process.argv[4]),
  }),
);
