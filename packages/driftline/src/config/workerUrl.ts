// Where a worker's module is: beside the module that starts it, .ts in a checkout and .js in a published package.

/** `workerUrl(import.meta.url, "./simulate.worker.ts")`: tsc rewrites import specifiers, but not such addresses. */
export function workerUrl(importer: string, specifier: `./${string}.ts`): URL {
  const isCompiled = new URL(importer).pathname.endsWith(".js");
  return new URL(isCompiled ? specifier.replace(/\.ts$/, ".js") : specifier, importer);
}
