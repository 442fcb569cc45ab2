// Names to files: globs, lists, addresses, and what they must not stand for.

import assert from "node:assert/strict";
import { mkdirSync, symlinkSync } from "node:fs";
import { join, relative } from "node:path";
import { test } from "node:test";
import { findFiles } from "./locations.ts";
import { invalid, scratch } from "./testdata.ts";

const { folder, file } = scratch();
mkdirSync(join(folder, "runs/deep.root"), { recursive: true });
const [b, a, c] = ["runs/b.root", "runs/a.root", "runs/c.txt"].map((name) => file(name, "x"));
const odd = file("runs/odd[1]*.root", "x");
const at = (name: string) => join(folder, name);

test("paths keep their order, globs are sorted and hold files only", async () => {
  assert.deepEqual(await findFiles([c, b]), [c, b]);
  assert.deepEqual(await findFiles([at("runs/{a,b}.root"), c]), [a, b, c]);
  assert.deepEqual(await findFiles([at("**/[ab].root")]), [a, b]);
  assert.deepEqual(await findFiles([at("runs/*.root")]), [a, b, odd].sort());
  assert.deepEqual(await findFiles([odd]), [odd], "a file whose name looks like a glob");
  assert.deepEqual(await findFiles([`file://${a}`]), [a]);
});

test("a list names files from its own folder", async () => {
  const list = file(
    "runs/list.txt",
    `# two\n\n  a.root  \r\n${b}\nhttps://h.example.org/x.root\n../runs/c.txt`,
  );
  assert.deepEqual(await findFiles([`@${list}`]), [a, b, "https://h.example.org/x.root", c]);
  assert.deepEqual(await findFiles([`@${relative(process.cwd(), list)}`]).then((files) => files.length), 4);
});

test("addresses are taken as they are", async () => {
  const addresses = ["https://h.example.org/a.root?x=*", "root://h:1094//a/b.root", "roots://h//a?authz=*"];
  assert.deepEqual(await findFiles(addresses), addresses);
});

test("errors name the name, and what there is", async () => {
  await invalid(
    findFiles([at("none/deep/x.root")]),
    new RegExp(`there is no such file; the nearest .* ${folder}$`),
  );
  await invalid(findFiles([at("runs/*.parquet")]), new RegExp(`no file is of that name; .* ${at("runs")}$`));
  await invalid(findFiles([at("runs")]), /it is a folder/);
  await invalid(findFiles(["/dev/zero"]), /not a regular file/);
  await invalid(findFiles(["s3://bucket/x"]), /nothing here reads s3:\/\//);
  await invalid(findFiles(["https://h.example.org/*.root"]), /web servers do not say/);
  await invalid(findFiles([`@${at("none.txt")}`]), /the list cannot be opened: there is no such file/);
  await invalid(findFiles([`@${file("empty.txt", "# nothing\n")}`]), /the list names no file/);
  await invalid(findFiles([`@${file("nested.txt", "@other.txt\n")}`]), /names another list/);
});

test("a file that is named twice is refused, under whatever names", async () => {
  symlinkSync(a, at("alias.root"));
  await invalid(findFiles([a, at("runs/a*")]), /a\.root: it is named twice, by ".*a\.root" and ".*a\*"/);
  await invalid(findFiles([at("alias.root"), a]), /named twice/);
  await invalid(findFiles(["https://h/x", "https://h/x"]), /names it twice/);
});
