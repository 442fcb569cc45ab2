// The contract on the real platform, in process and through server and client: a data directory with one bundle.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Driftline } from "@driftline/client/api";
import { connect } from "@driftline/client/connect";
import { type CampaignSubject, campaignContract } from "@driftline/client/testing/campaignContract";
import { type ContractSubject, driftlineContract } from "@driftline/client/testing/contract";
import { loadConfiguration } from "../config/configuration.ts";
import { loadFamily } from "../family/loadFamily.ts";
import { openPlatform, type Platform } from "../lifecycle/platform.ts";
import { listen } from "./server.ts";
import { memoryDriftline } from "./testing.ts";

const familyFile = fileURLToPath(new URL("../../../../families/mpd.tpc/family.yaml", import.meta.url));

async function subject(
  view: (platform: Platform) => Promise<{ driftline: Driftline; close(): Promise<void> }>,
): Promise<ContractSubject & CampaignSubject> {
  const directory = await mkdtemp(join(tmpdir(), "driftline-platform-"));
  const { bundle } = await memoryDriftline(join(directory, "memory"), loadFamily(familyFile));
  const environment = { ...process.env, DRIFTLINE_DATA_DIR: join(directory, "data") };
  const platform = await openPlatform(loadConfiguration({ environment }));
  const published = join(directory, "memory", "published");
  await platform.opened.catalogue.publish({ directory: published, reason: "for the test" });
  const { driftline, close } = await view(platform);
  return {
    driftline,
    family: "mpd.tpc",
    directory: published,
    published: {},
    bundle,
    near: { conditions: { drift_velocity: "5.53 cm/us" } },
    missing: { conditions: { drift_velocity: "6.2 cm/us" } },
    outOfRange: { drift_velocity: "9 cm/us" },
    // Nobody runs jobs here, so it waits until it is cancelled.
    endless: { conditions: { drift_velocity: "7 cm/us" } },
    async close() {
      await close();
      await platform.close();
      await rm(directory, { recursive: true });
    },
  };
}

async function inProcess(platform: Platform) {
  return { driftline: platform, close: async () => {} };
}

async function overHttp(platform: Platform) {
  const server = await listen({
    driftline: platform,
    resolveJson: platform.resolveJson,
    host: "127.0.0.1",
    port: 0,
  });
  return { driftline: connect(server.url), close: () => server.close() };
}

driftlineContract("The platform", () => subject(inProcess));
driftlineContract("A server of the platform with its client", () => subject(overHttp));
campaignContract("The platform", () => subject(inProcess));
campaignContract("A server of the platform with its client", () => subject(overHttp));
