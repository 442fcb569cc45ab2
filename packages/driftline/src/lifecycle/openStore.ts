// Opens what every process of a data directory works with: families, catalogue and jobs on one database.

import { type Catalogue, openCatalogue } from "../catalogue/catalogue.ts";
import { withTables } from "../catalogue/database.ts";
import type { Configuration } from "../config/configuration.ts";
import type { Family } from "../family/family.ts";
import { loadFamilies } from "../family/loadFamily.ts";
import { type JobStore, jobStore } from "./jobs/jobStore.ts";
import { type StageResults, stageResults } from "./jobs/stageResults.ts";
import { type JobTables, jobMigrations } from "./jobs/tables.ts";

export interface Store {
  families: Map<string, Family>;
  catalogue: Catalogue;
  store: JobStore;
  results: StageResults;
  close(): Promise<void>;
}

export async function openStore(config: Configuration): Promise<Store> {
  const families = loadFamilies(config.families);
  const catalogue = await openCatalogue(config.dataDirectory, jobMigrations);
  const database = withTables<JobTables>(catalogue.database);
  return {
    families,
    catalogue,
    store: jobStore(database),
    results: stageResults(database),
    close: () => catalogue.close(),
  };
}
