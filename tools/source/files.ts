// Lists the repository's own files, generated and installed ones left out.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

export const root = join(import.meta.dirname, "..", "..");

/** Paths below `directory` (from the root, with `/`) that end in `ending`; none when there is no such directory. */
export function listFiles(directory: string, ending: string): readonly string[] {
  return existsSync(join(root, directory)) ? walkDirectory(directory, ending).sort() : [];
}

function walkDirectory(directory: string, ending: string): string[] {
  return readdirSync(join(root, directory), { withFileTypes: true }).flatMap((entry) => {
    const path = `${directory}/${entry.name}`;
    if (entry.isDirectory()) return entry.name === "node_modules" ? [] : walkDirectory(path, ending);
    return entry.name.endsWith(ending) ? [path] : [];
  });
}
