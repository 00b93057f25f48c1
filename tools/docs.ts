// Writes the pages that are generated from tables in the code: docs/settings.md, docs/errors.md, docs/events.md.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { generatedPages } from "./docs/pages.ts";
import { root } from "./source/files.ts";

for (const [path, text] of Object.entries(await generatedPages())) writeFileSync(join(root, path), text);
