// Command of the Python client's tests: publishes a few small bundles of a family of their own, as the platform does.
//
//     node make_catalogue.ts DIRECTORY
//
// Prints where everything is and what was published, as one JSON object.

import { makeTinyCatalogue } from "../../tinyCatalogue.ts";

const { platform, environment, bundles } = await makeTinyCatalogue(process.argv[2]);
const summaries = await platform.families();
await platform.close();
console.log(
  JSON.stringify({
    environment,
    family: summaries.find(({ name }) => name === "test.tiny"),
    bundles,
  }),
);
