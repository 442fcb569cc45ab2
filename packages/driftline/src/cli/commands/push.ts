// driftline push: a bundle made here, or anywhere, to a server that judges it again before it serves.

import { stat } from "node:fs/promises";
import { resolve as resolvePath } from "node:path";
import type { BundleTar, Driftline } from "@driftline/client/api";
import { connect } from "@driftline/client/connect";
import { tarBundle, tarOfDirectory } from "@driftline/client/tar";
import { fail } from "../../errors/registry.ts";
import { type CommandContext, defineCommand } from "../command.ts";
import { describeJob, followJob, throwUnlessPublished } from "../follow.ts";

export const push = defineCommand({
  name: "push",
  summary:
    "Send a bundle, a directory or one of the catalogue by digest, to a server, which judges it before it serves.",
  positionals: ["DIRECTORY_OR_BUNDLE"],
  options: {
    to: { type: "string", value: "URL", description: "Server that is to have it" },
    wait: { type: "boolean", description: "Follow the job until the bundle is published or refused" },
    data: {
      type: "string",
      multiple: true,
      value: "FILE",
      description: "Responses to judge it by in place of the simulator, by their paths on the server",
    },
  },
  examples: [
    "driftline push nominal-model --to https://catalogue.example.org:8080 --wait",
    "driftline push 5d41402abc4b --to http://127.0.0.1:8080 --wait",
  ],
  async run(context, [name], { to, wait, data }) {
    if (to === undefined) {
      throw fail("usage", "driftline push: --to is missing.", {
        field: "--to",
        remedy: "Name the server, such as --to http://127.0.0.1:8080.",
      });
    }
    const { digest, tar } = await bundleOf(context, name);
    const server = connect(to, { token: context.config.token ?? undefined });
    try {
      const { model, job } = await server.push(shown(tar, context), {
        ...(data && { data: { files: data } }),
      });
      context.progress.clear();
      if (model) {
        const serves = model.serving ? "it serves its key" : "another model serves its key";
        return { json: model, text: `${to} has ${digest.slice(0, 16)} already; ${serves}.` };
      }
      if (!wait) {
        return {
          json: job,
          text: `${describeJob(job)}\nThe server judges it: driftline jobs ${job.id} --follow --url ${to}`,
        };
      }
      context.progress.note(`Job ${job.id} judges ${digest.slice(0, 16)}…`);
      const ended = await followJob(server, job.id, context.progress, context.signal);
      throwUnlessPublished(ended);
      return {
        json: { ...(await server.model(digest)), job: ended },
        text: `${describeJob(ended)}\n\n${to} serves ${digest.slice(0, 16)} for ${ended.question.key}`,
      };
    } finally {
      await server.close();
    }
  },
});

async function bundleOf(context: CommandContext, name: string): Promise<{ digest: string; tar: BundleTar }> {
  const path = resolvePath(name);
  const isDirectory = (await stat(path).catch(() => null))?.isDirectory() ?? false;
  if (isDirectory || !/^[0-9a-f]{8,64}$/.test(name)) return tarOfDirectory(path);
  const driftline: Driftline = await context.driftline();
  const { bundle } = await driftline.model(name);
  const manifest = await driftline.manifest(bundle);
  return { digest: bundle, tar: { open: () => tarBundle(driftline, bundle, manifest) } };
}

/** The tar, with its way over the wire on the display. */
function shown(tar: BundleTar, { progress }: CommandContext): BundleTar {
  return {
    async *open() {
      let sent = 0;
      for await (const piece of tar.open()) {
        yield piece;
        sent += piece.length;
        progress.update("upload", null, null, `${(sent / 1e6).toFixed(1)} MB`);
      }
    },
  };
}
