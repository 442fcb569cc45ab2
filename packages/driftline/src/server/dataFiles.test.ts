// Which files clients may name: folders, links, files that are none; over HTTP, with a token and without.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, describe, it } from "node:test";
import type { EnsureRequest } from "@driftline/client/api";
import { rejection } from "@driftline/client/testing/contract";
import { dataFileCheck } from "./dataFiles.ts";
import { createServer } from "./server.ts";
import { problemOf, startTestServer } from "./testServer.ts";

const root = realpathSync(mkdtempSync(join(tmpdir(), "driftline-data-")));
after(() => rmSync(root, { recursive: true }));
const folder = join(root, "runs");
const [inside, outside] = [join(folder, "run7.root"), join(root, "secret.root")];
mkdirSync(join(folder, "deep"), { recursive: true });
mkdirSync(join(root, "runs-old"));
for (const path of [inside, outside, join(folder, "deep", "a"), join(root, "runs-old", "b")])
  writeFileSync(path, "x");
symlinkSync(outside, join(folder, "out"));
symlinkSync(root, join(folder, "up"));
symlinkSync(inside, join(root, "in"));
symlinkSync(folder, join(root, "alias"));

describe("with folders", () => {
  const check = dataFileCheck([folder]);

  it("gives the real paths of files in them", async () => {
    const given = [inside, join(folder, "deep", "..", "run7.root"), join(root, "in"), relative(".", inside)];
    assert.deepEqual(await check(given), [inside, inside, inside, inside]);
    assert.deepEqual(await check([join(folder, "deep", "a")]), [join(folder, "deep", "a")]);
    assert.deepEqual(await dataFileCheck([join(root, "alias")])([inside, join(root, "alias", "run7.root")]), [
      inside,
      inside,
    ]);
  });

  it("refuses others, also by links, and does not tell whether they are there", async () => {
    const ways = [
      outside,
      join(folder, "..", "secret.root"),
      join(folder, "out"),
      join(folder, "up", "secret.root"),
    ];
    for (const path of [
      ...ways,
      join(root, "runs-old", "b"),
      "/etc/passwd",
      folder,
      root,
      join(root, "none"),
    ]) {
      const error = await rejection(check([inside, path]));
      assert.equal(error.code, "forbidden", path);
      assert.equal(error.field, "data.files");
      assert.match(error.remedy ?? "", /server\.dataDirectories/);
    }
    const [there, absent] = [outside, join(root, "absent.root")];
    const [a, b] = await Promise.all([there, absent].map((path) => rejection(check([path]))));
    assert.equal(a.message.replace(there, ""), b.message.replace(absent, ""));
  });

  it("names a file that is not there, or is none", async () => {
    for (const name of ["none", "deep", "bad\0name"]) {
      assert.equal((await rejection(check([join(folder, name)]))).code, "invalid_data", name);
    }
    const alias = dataFileCheck([join(root, "alias")]);
    assert.equal((await rejection(alias([join(root, "alias", "none")]))).code, "invalid_data");
  });

  it("allows nothing where there is no folder", async () => {
    assert.equal((await rejection(dataFileCheck([])([inside]))).code, "forbidden");
    assert.equal((await rejection(dataFileCheck([join(root, "later")])([inside]))).code, "forbidden");
  });
});

describe("with addresses of folders on other servers", () => {
  const check = dataFileCheck(null, [
    "https://data.example.org/open/",
    "root://eos.example.org:1094//eos/tpc/",
  ]);

  it("takes files in them, and none where no folder is named", async () => {
    const given = [
      "https://data.example.org/open/run7.root",
      "HTTPS://Data.Example.org:443/open/2012/a%20b.parquet",
      "root://EOS.example.org:1094//eos/tpc/run7.root",
    ];
    assert.deepEqual(await check(given), [
      given[0],
      "https://data.example.org/open/2012/a%20b.parquet",
      "root://eos.example.org:1094//eos/tpc/run7.root",
    ]);
    for (const address of given)
      assert.equal((await rejection(dataFileCheck(null)([address]))).code, "forbidden", address);
  });

  it("refuses all that leads elsewhere", async () => {
    for (const address of [
      "https://data.example.org/other/run7.root",
      "https://data.example.org/openly/run7.root",
      "https://data.example.org/open/../secret",
      "https://data.example.org/open/%2e%2e/secret",
      "https://data.example.org/open/..%2fsecret",
      "https://data.example.org/open/..\\secret",
      "https://data.example.org/open/a?b=c",
      "https://data.example.org/open/*",
      "https://data.example.org@169.254.169.254/open/a",
      "https://user:word@data.example.org/open/a",
      "https://data.example.org:444/open/a",
      "http://data.example.org/open/a",
      "http://169.254.169.254/latest/meta-data/",
      "https://data.example.org",
      "root://eos.example.org//eos/tpc/a",
      "root://eos.example.org:1094//eos/tpc/../secret",
      "root://eos.example.org:1094//eos/tpc/a?authz=x",
      "root://me@eos.example.org:1094//eos/tpc/a",
      "roots://eos.example.org:1094//eos/tpc/a",
      "file:///etc/passwd",
      "ftp://data.example.org/open/a",
      "s3://bucket/a",
    ]) {
      const error = await rejection(check([address]));
      assert.equal(error.code, "forbidden", address);
      assert.match(error.remedy ?? "", /server\.dataAddresses/);
    }
  });
});

it("without folders takes any file, but nothing that never ends", async () => {
  const check = dataFileCheck(null);
  assert.deepEqual(await check([outside]), [outside]);
  assert.equal((await rejection(check(["/dev/zero"]))).code, "invalid_data");
  assert.equal((await rejection(check([join(root, "none")]))).code, "invalid_data");
});

it("over HTTP any file may be named without a token, none with one, and those in the folders that are set", async (t) => {
  const server = await startTestServer();
  t.after(() => server.close());
  const { memory } = server;
  const named: EnsureRequest["data"][] = [];
  const ensure = memory.ensure;
  memory.ensure = (family, request) => {
    named.push(request.data);
    return ensure(family, request);
  };
  const ask = async (path: string, options: { token?: string; dataDirectories?: string[] }) => {
    const app = await createServer({ driftline: memory, ...options });
    const answer = await app.inject({
      method: "POST",
      url: "/v1/families/test.tiny/ensure",
      headers: options.token ? { authorization: `Bearer ${options.token}` } : {},
      payload: { data: { files: [path] } },
    });
    await app.close();
    return answer;
  };
  assert.equal((await ask(outside, {})).statusCode, 200);
  assert.equal((await problemOf(ask(outside, { token: "t" }), 403)).field, "data.files");
  assert.equal(
    (await problemOf(ask(outside, { token: "t", dataDirectories: [folder] }), 403)).code,
    "forbidden",
  );
  assert.equal((await problemOf(ask(outside, { dataDirectories: [folder] }), 403)).code, "forbidden");
  assert.equal((await ask(join(root, "in"), { token: "t", dataDirectories: [folder] })).statusCode, 200);
  assert.deepEqual(named, [{ files: [outside] }, { files: [inside] }]);
});
