// Builds what runs: the programs bundled by rolldown into dist/, the agent once more as one file, the page by vite into dist/web.
import { chmodSync, rmSync } from "node:fs";
import { rolldown } from "rolldown";
import { build } from "vite";
import { buildAgent } from "./build-agent.mjs";
import { buildSbom } from "./build-sbom.mjs";
import { buildTypes } from "./build-types.mjs";

/** Ours come from the English one, which is imported by itself. */
const withoutLanguages = {
  name: "without-languages",
  resolveId: (id) => (id === "../locales/index.js" ? "\0no-languages" : undefined),
  load: (id) => (id === "\0no-languages" ? "export {};" : undefined),
};

rmSync("dist", { recursive: true, force: true });

const bundle = await rolldown({
  input: {
    muster: "muster.ts",
    console: "console/console.ts",
    agent: "agent/agent.ts",
    client: "api/client.ts",
    reader: "console/store/reader.ts",
    checkpointer: "console/database/checkpointer.ts",
  },
  platform: "node",
  // Packages stay in node_modules; only our own files, `#shared` among them, are bundled, and Zod's small face: whoever imports that
  // gets its sentences in fifty languages, which cost a verb of the command line more time than all else that it does.
  external: (id) =>
    !/^[.#/]/.test(id) &&
    !/^[A-Za-z]:\\/.test(id) &&
    !/^(muster|console\/|agent\/|api\/|zod\/(mini|v4\/locales\/en\.js)$)/.test(id),
  plugins: [withoutLanguages],
  resolve: { extensions: [".ts"] },
  logLevel: "warn",
});
await bundle.write({
  dir: "dist",
  format: "esm",
  entryFileNames: "[name].js",
  chunkFileNames: "chunks/[name]-[hash].js",
  sourcemap: true,
});
await bundle.close();
// `npx muster` runs it as a program, and npm has made only the first build one.
chmodSync("dist/muster.js", 0o755);

await buildAgent();

await build({ configFile: "web/vite.config.ts", root: "web", logLevel: "warn" });

buildTypes("dist/types");

await buildSbom("dist/sbom.json");
