import { openCatalogue } from "../packages/driftline/src/catalogue/catalogue.ts";
import { fill } from "./catalogue.ts";

const c = await openCatalogue(process.argv[2]);
await fill(c, Number(process.argv[3]));
await c.close();
