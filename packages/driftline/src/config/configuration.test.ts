// Precedence, sources and messages of the configuration, on real files and hand-made environments.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { DriftlineError } from "../errors/registry.ts";
import { describeConfig, loadConfiguration } from "./configuration.ts";

const folder = mkdtempSync(join(tmpdir(), "driftline-config-"));
after(() => rmSync(folder, { recursive: true }));

/** An environment in which no file is found unless the test wrote one. */
const empty = { XDG_CONFIG_HOME: join(folder, "none") };

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function failure(run: () => unknown): DriftlineError {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof DriftlineError, String(error));
    return error;
  }
  return assert.fail("nothing was thrown");
}

describe("precedence", () => {
  const file = write(
    "driftline.yaml",
    "dataDirectory: from-file\nthreads: 3\nserver:\n  httpPort: 1111\nurl: http://file:1\n",
  );

  it("takes defaults, the XDG folders among them", () => {
    const config = loadConfiguration({ environment: { ...empty, XDG_DATA_HOME: "/xdg/data" } });
    assert.equal(config.dataDirectory, "/xdg/data/driftline");
    assert.equal(config.cacheDirectory, join(homedir(), ".cache", "driftline"));
    assert.deepEqual(config.server, {
      host: "127.0.0.1",
      httpPort: 8080,
      token: null,
      allowedHosts: [],
      tlsCertificate: null,
      tlsKey: null,
      dataDirectories: null,
      dataAddresses: [],
      uploadMiB: 256,
    });
    assert.equal(config.url, null);
    assert.equal(config.file, null);
    assert.equal(config.sources.threads, "default");
  });

  it("puts the file over defaults, and resolves paths against the file's folder", () => {
    const config = loadConfiguration({ file, environment: empty });
    assert.equal(config.dataDirectory, join(folder, "from-file"));
    assert.equal(config.threads, 3);
    assert.equal(config.server.httpPort, 1111);
    assert.equal(config.server.host, "127.0.0.1");
    assert.equal(config.sources["server.httpPort"], `${file} line 4`);
  });

  it("puts the environment over the file and flags over both", () => {
    const environment = {
      ...empty,
      DRIFTLINE_CONFIG: file,
      DRIFTLINE_THREADS: "5",
      DRIFTLINE_DATA_DIR: "/from/env",
    };
    const config = loadConfiguration({ environment, flags: { dataDirectory: "~/from-flag" } });
    assert.equal(config.threads, 5);
    assert.equal(config.sources.threads, "environment variable DRIFTLINE_THREADS");
    assert.equal(config.dataDirectory, join(homedir(), "from-flag"));
    assert.equal(config.sources.dataDirectory, "flag --data-dir");
    assert.equal(config.server.httpPort, 1111);
  });

  it("finds the user's file", () => {
    mkdirSync(join(folder, "user", "driftline"), { recursive: true });
    const path = write(join("user", "driftline", "driftline.yaml"), "workers: 2\n");
    const config = loadConfiguration({ environment: { XDG_CONFIG_HOME: join(folder, "user") } });
    assert.equal(config.workers, 2);
    assert.equal(config.file, path);
  });

  it("adds families to those that ship", () => {
    const config = loadConfiguration({ environment: { ...empty, DRIFTLINE_FAMILIES: "/a:/b" } });
    assert.match(config.families[0], /families$/);
    assert.deepEqual(config.families.slice(1), ["/a", "/b"]);
  });

  it("takes lists from the file and, with commas or colons, from the environment", () => {
    const path = write(
      "lists.yaml",
      "server:\n  allowedHosts: [a.org, '::1']\n  dataDirectories: [runs, /data]\n",
    );
    const { server } = loadConfiguration({ file: path, environment: empty });
    assert.deepEqual(server.allowedHosts, ["a.org", "::1"]);
    assert.deepEqual(server.dataDirectories, [join(folder, "runs"), "/data"]);
    const environment = {
      ...empty,
      DRIFTLINE_SERVER_ALLOWED_HOSTS: "a.org, b.org",
      DRIFTLINE_SERVER_DATA_DIRECTORIES: "/x:/y",
    };
    assert.deepEqual(loadConfiguration({ environment }).server.allowedHosts, ["a.org", "b.org"]);
    assert.deepEqual(loadConfiguration({ environment }).server.dataDirectories, ["/x", "/y"]);
  });
});

describe("a server or a data directory", () => {
  const DRIFTLINE_URL = "http://server:8080";

  it("asks the server that the environment names, unless --data-dir is given", () => {
    assert.equal(loadConfiguration({ environment: { ...empty, DRIFTLINE_URL } }).url, DRIFTLINE_URL);
    const config = loadConfiguration({
      environment: { ...empty, DRIFTLINE_URL },
      flags: { dataDirectory: "d" },
    });
    assert.equal(config.url, null);
    assert.equal(config.sources.url, "environment variable DRIFTLINE_URL, set aside by flag --data-dir");
  });

  it("asks the server that --url names although DRIFTLINE_DATA_DIR is set", () => {
    const flags = { url: DRIFTLINE_URL };
    assert.equal(
      loadConfiguration({ environment: { ...empty, DRIFTLINE_DATA_DIR: "d" }, flags }).url,
      DRIFTLINE_URL,
    );
  });

  it("refuses both flags together", () => {
    const error = failure(() =>
      loadConfiguration({ environment: empty, flags: { url: DRIFTLINE_URL, dataDirectory: "d" } }),
    );
    assert.equal(error.code, "usage");
  });
});

describe("messages", () => {
  const cases: [what: string, yaml: string, field: string, message: RegExp][] = [
    [
      "a wrong value",
      "server:\n  httpPort: eighty\n",
      "server.httpPort",
      /line 2\) is "eighty"; it must be a whole number from 0 to 65535/,
    ],
    ["a value out of range", "threads: 0\n", "threads", /line 1\) is 0; it must be/],
    ["a fraction", "workers: 1.5\n", "workers", /is 1.5/],
    ["an unknown key", "threads: 1\ndatadir: x\n", "datadir", /line 2: there is no setting datadir/],
    ["an unknown key in a group", "server:\n  port: 1\n", "server.port", /line 2: .* server\.port/],
    ["a value where a group is due", "server: here\n", "server", /line 1: server must hold keys and values/],
    ["a list at the top", "- a\n", "driftline", /must hold keys and values/],
    ["not YAML", 'threads: "1\n', "driftline", /line \d: not YAML/],
    ["a key twice", "threads: 1\nthreads: 2\n", "driftline", /line 2: not YAML: .*unique/],
    ["nothing after the colon", "url:\n", "url", /is null; it must be an address/],
    [
      "a port in a name",
      "server:\n  allowedHosts: ['a.org:80']\n",
      "server.allowedHosts",
      /host names without/,
    ],
    ["another scheme", "url: ftp://x\n", "url", /begins with http/],
  ];
  for (const [index, [what, yaml, field, message]] of cases.entries()) {
    it(`names file, line and key for ${what}`, () => {
      const file = write(`bad-${index}.yaml`, yaml);
      const error = failure(() => loadConfiguration({ file, environment: empty }));
      assert.equal(error.code, "invalid_configuration");
      assert.match(error.message, message);
      assert.ok(error.message.includes(file), error.message);
      assert.equal(error.field, field === "driftline" ? file : field);
      assert.ok(error.remedy);
    });
  }

  it("names the variable", () => {
    const error = failure(() => loadConfiguration({ environment: { ...empty, DRIFTLINE_THREADS: "many" } }));
    assert.match(error.message, /threads \(environment variable DRIFTLINE_THREADS\) is "many"/);
  });

  it("does not take an empty variable for a value", () => {
    const error = failure(() => loadConfiguration({ environment: { ...empty, DRIFTLINE_DATA_DIR: "" } }));
    assert.match(error.message, /DRIFTLINE_DATA_DIR\) is empty/);
  });

  it("names a file that is not there", () => {
    const error = failure(() => loadConfiguration({ file: join(folder, "absent.yaml"), environment: empty }));
    assert.equal(error.field, "--config");
    assert.match(error.message, /absent\.yaml/);
  });

  it("never shows a token", () => {
    const file = write("token.yaml", "token: 12345\n");
    assert.doesNotMatch(failure(() => loadConfiguration({ file, environment: empty })).message, /12345/);
    const environment = { ...empty, DRIFTLINE_TOKEN: "s3cret" };
    const rows = describeConfig(loadConfiguration({ environment }), environment);
    assert.deepEqual(
      rows.find(({ name }) => name === "token"),
      { name: "token", value: "set", source: "environment variable DRIFTLINE_TOKEN" },
    );
    assert.doesNotMatch(JSON.stringify(rows), /s3cret/);
  });
});

it("describes every setting, and a variable that is none", () => {
  const environment = { ...empty, DRIFTLINE_DATADIR: "typo", DRIFTLINE_WORKERS: "7" };
  const rows = describeConfig(loadConfiguration({ environment }), environment);
  const row = (name: string) => rows.find((each) => each.name === name);
  assert.deepEqual(row("workers"), {
    name: "workers",
    value: "7",
    source: "environment variable DRIFTLINE_WORKERS",
  });
  assert.deepEqual(row("server.host"), { name: "server.host", value: "127.0.0.1", source: "default" });
  assert.equal(row("DRIFTLINE_DATADIR")?.value, "not a setting");
});

it("is plain data that a worker process can be handed", () => {
  const config = loadConfiguration({ environment: empty });
  assert.deepEqual(JSON.parse(JSON.stringify(config)), config);
});
