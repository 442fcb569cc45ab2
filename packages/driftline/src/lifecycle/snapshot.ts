// A snapshot of the platform's catalogue: which families and tags go into it.

import { type FamilyFile, familyFormat } from "@driftline/client/snapshot/format";
import type { SnapshotPublished, TagContent } from "../catalogue/snapshot/publish.ts";
import type { Family } from "../family/family.ts";
import { type Holder, isDead, thisProcess } from "./jobs/holder.ts";
import { type Platform, summarise } from "./platform.ts";

export interface SnapshotRequest {
  directory: string;
  /** Names; all where it is empty. */
  families: string[];
  /** Names. */
  tags: string[];
  /** Earlier snapshots that stay usable; null to remove nothing. */
  keep: number | null;
  /** Look at every byte that is there, and write again what is damaged. */
  mend: boolean;
  onProgress?: (done: number, total: number) => void;
}

/** Throws `unknown_family`, `usage`, `busy`, `damaged`. */
export async function publishSnapshotOf(
  platform: Platform,
  { families, tags: names, ...request }: SnapshotRequest,
): Promise<SnapshotPublished> {
  const { catalogue, families: known } = platform.opened;
  const chosen = families.length === 0 ? [...known.values()] : [...new Set(families)].map(platform.family);
  const tags: TagContent[] = [];
  for (const name of new Set(names)) tags.push(await tagContent(platform, name));
  return catalogue.publishSnapshot({
    ...request,
    families: chosen.map(fileOf),
    tags,
    exclusion: { self: thisProcess(), isDead: (holder) => isHolder(holder) && isDead(holder) },
  });
}

async function tagContent({ opened: { catalogue } }: Platform, name: string): Promise<TagContent> {
  const { frozen, content: runs } = await catalogue.campaigns.tag(name);
  const locks = await catalogue.campaigns.locks(name);
  return {
    ...{ name, frozen, runs },
    locks: locks.map(({ content }) => content),
    bundles: [...new Set(locks.flatMap(({ bundles }) => bundles))],
  };
}

function fileOf(family: Family): FamilyFile {
  const { models: _, ...described } = summarise(family, 0);
  const { simulator } = family.data;
  return {
    format: familyFormat,
    ...described,
    simulator: simulator === null ? null : `${simulator.name}/${simulator.version}`,
  };
}

function isHolder(value: unknown): value is Holder {
  return typeof value === "object" && value !== null && "host" in value && "pid" in value && "start" in value;
}
