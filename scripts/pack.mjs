// Makes the packages that are published, as tarballs in dist/: Node runs no TypeScript below node_modules, so they hold
// emitted JavaScript, and what a checkout has beside the packages (families, the trainer) goes into the platform's.

import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { builtinModules } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const output = path.join(root, "dist");
const compiled = path.join(output, "compiled");

/** What the platform ships beside its code; src/config/shippedPath.ts finds it. */
const shipped = ["families", "trainer/src", "trainer/pyproject.toml", "trainer/requirements.lock"];

const isForTests = (file) =>
  /\.test\.ts$|(^|\/)(testing|testdata)(\/|\.ts$)|vectors\.json$|__pycache__/.test(file);

function readManifests() {
  const manifests = new Map();
  for (const folder of readdirSync(path.join(root, "packages"))) {
    const file = path.join(root, "packages", folder, "package.json");
    if (!existsSync(file)) continue;
    const manifest = JSON.parse(readFileSync(file, "utf8"));
    if (!manifest.private) manifests.set(folder, manifest);
  }
  return manifests;
}

/** `./src/x.ts` becomes its types and its code in dist/. */
function published(exports) {
  return Object.fromEntries(
    Object.entries(exports).map(([name, target]) => {
      const built = target.replace("./src/", "./dist/").replace(/\.ts$/, "");
      return [name, { types: `${built}.d.ts`, default: `${built}.js` }];
    }),
  );
}

/** Names of the packages that the emitted code imports. */
function importedPackages(directory) {
  const names = new Set();
  const imports = /^(?:import|export)\b[^"';]*?\bfrom "([^"]+)"|^import "([^"]+)"|\bimport\("([^"]+)"\)/gm;
  for (const file of globSync("**/*.js", { cwd: directory })) {
    for (const [, a, b, c] of readFileSync(path.join(directory, file), "utf8").matchAll(imports)) {
      const specifier = a ?? b ?? c;
      if (specifier.startsWith(".") || specifier.startsWith("node:")) continue;
      names.add(
        specifier
          .split("/")
          .slice(0, specifier.startsWith("@") ? 2 : 1)
          .join("/"),
      );
    }
  }
  return [...names].filter((name) => !builtinModules.includes(name));
}

/** The manifest for publishing. Every import must be a declared dependency or peer; packages of this workspace are added at their version. */
function publishedManifest(manifest, staging, workspace) {
  const dependencies = { ...manifest.dependencies };
  const used = importedPackages(path.join(staging, "dist")).filter((name) => name !== manifest.name);
  const declared = { ...dependencies, ...manifest.peerDependencies };
  const undeclared = used.filter((name) => !(name in declared) && !workspace.has(name));
  if (undeclared.length > 0) {
    throw new Error(
      `${manifest.name} imports what its package.json does not name: ${undeclared.join(", ")}.`,
    );
  }
  for (const name of used) if (workspace.has(name)) dependencies[name] ??= workspace.get(name);
  return {
    ...manifest,
    ...(manifest.exports && { exports: published(manifest.exports) }),
    engines: { node: ">=24" },
    dependencies,
  };
}

function stage(folder, manifest, workspace) {
  const source = path.join(root, "packages", folder);
  const staging = path.join(output, "packages", folder);
  mkdirSync(staging, { recursive: true });
  cpSync(path.join(compiled, folder, "src"), path.join(staging, "dist"), { recursive: true });
  // SQL, schemas, styles: whatever stands beside the code and is not code.
  for (const file of globSync("src/**/*.*", { cwd: source })) {
    if (/\.tsx?$/.test(file) || isForTests(file)) continue;
    cpSync(path.join(source, file), path.join(staging, file.replace(/^src/, "dist")), { recursive: true });
  }
  const withBin = manifest.bin !== undefined;
  if (withBin) {
    cpSync(path.join(source, "bin"), path.join(staging, "bin"), { recursive: true });
    for (const each of shipped) {
      const filter = (file) => !file.includes("__pycache__") && !file.endsWith(".egg-info");
      cpSync(path.join(root, each), path.join(staging, each), { recursive: true, filter });
    }
  }
  for (const file of ["LICENSE", "README.md"]) {
    const from = [path.join(source, file), ...(withBin || file === "LICENSE" ? [path.join(root, file)] : [])];
    const found = from.find((each) => existsSync(each));
    if (found) cpSync(found, path.join(staging, file));
  }
  const ready = publishedManifest(manifest, staging, workspace);
  writeFileSync(path.join(staging, "package.json"), `${JSON.stringify(ready, null, 2)}\n`);
  return staging;
}

rmSync(output, { recursive: true, force: true });
try {
  const tsc = path.join(root, "node_modules", "typescript", "bin", "tsc");
  execFileSync(process.execPath, [tsc, "-p", path.join(root, "tsconfig.build.json")], { stdio: "inherit" });
  const manifests = [...readManifests()].filter(([folder]) => existsSync(path.join(compiled, folder, "src")));
  const workspace = new Map(manifests.map(([, { name, version }]) => [name, version]));
  for (const [folder, manifest] of manifests) {
    const staging = stage(folder, manifest, workspace);
    const args = ["pack", "--json", "--ignore-scripts", "--pack-destination", output];
    const [{ filename, size, files }] = JSON.parse(
      execFileSync("npm", args, { cwd: staging, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }),
    );
    process.stdout.write(`dist/${filename}  ${(size / 1024).toFixed(0)} kB, ${files.length} files\n`);
  }
} catch (error) {
  process.stderr.write(`Packing failed: ${error.stderr || error.message}\n`);
  process.exitCode = 1;
}
