// `npm run fuzz -- --runs N --seed S`: many generated requests and command lines, by default from a seed of its own.

const given = process.argv.some((word) => word.startsWith("--seed"));
if (!given) process.argv.push("--seed", String(Date.now() % 2 ** 31));
process.stdout.write(`Generated tests with ${process.argv.slice(2).join(" ")}\n`);
await import("./requests.test.ts");
await import("./commandLines.test.ts");
