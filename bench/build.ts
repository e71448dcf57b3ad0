import { mkdtempSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { rolldown } from "rolldown";

/**
 * Builds files of the bench as Muster itself is built: what runs from the sources by tsx calls a function to name each function
 * that it makes, and that costs several percent where it is hot. The directory lies beneath node_modules,
 * where packages are found. @returns gives a file's built one
 */
export async function buildChildren(
  files: readonly string[],
  cleanup: (undo: () => unknown) => void,
): Promise<(file: string) => string> {
  const root = new URL("..", import.meta.url).pathname;
  const directory = mkdtempSync(join(root, "node_modules", ".bench-"));
  cleanup(() => rmSync(directory, { recursive: true, force: true }));
  const bundle = await rolldown({
    cwd: root,
    input: files.map((file) => `bench/${file}`),
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
  return (file) => join(directory, `${basename(file, ".ts")}.mjs`);
}
