// `npm run fuzz -- --runs N --seed S`: many generated requests and command lines, by default from a seed of its own, and
// each data file cut and changed a hundred times as often as in `npm test`.

const given = process.argv.some((word) => word.startsWith("--seed"));
if (!given) process.argv.push("--seed", String(Date.now() % 2 ** 31));
process.stdout.write(`Generated tests with ${process.argv.slice(2).join(" ")}\n`);
process.env.DRIFTLINE_FUZZ ??= "100";
await import("./requests.test.ts");
await import("./commandLines.test.ts");
await import("../../packages/rootio/src/damage.test.ts");
await import("../../packages/driftline/src/streaming/sources/hostile.test.ts");
