import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { rolldown } from "rolldown";

export interface Bundle {
  /** Where a program was built to, by its name. */
  readonly path: (name: string) => string;
  readonly remove: () => void;
}

/**
 * Builds programs of ours that are run as processes of their own, as Muster itself is built: one file starts in a third of the time
 * that tsx takes, and hot code does not pay for what tsx puts into it. The directory lies beneath node_modules, where packages
 * are found, and `dist` is left alone.
 * @param programs their sources, by name
 */
export async function bundlePrograms(programs: Readonly<Record<string, string>>): Promise<Bundle> {
  const root = new URL("..", import.meta.url).pathname;
  const directory = mkdtempSync(join(root, "node_modules", ".muster-"));
  const bundle = await rolldown({
    cwd: root,
    // A console's store reads in a thread of its own, whose file it looks for beside its own.
    input: {
      ...programs,
      reader: "console/store/reader.ts",
      packer: "console/store/packer.ts",
      checkpointer: "console/database/checkpointer.ts",
    },
    platform: "node",
    // Both load a binary beside their own files.
    external: ["@photostructure/sqlite", "cbor-extract"],
    resolve: { extensions: [".ts", ".js", ".mjs", ".cjs", ".json"] },
    logLevel: "silent",
  });
  await bundle.write({
    dir: directory,
    format: "esm",
    entryFileNames: "[name].mjs",
    chunkFileNames: "chunks/[name]-[hash].mjs",
    banner:
      'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  });
  await bundle.close();
  return {
    path: (name) => join(directory, `${name}.mjs`),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
