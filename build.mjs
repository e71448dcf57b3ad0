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

const ours = /^(muster|console\/|agent\/|api\/|zod\/(mini|v4\/locales\/en\.js)$)/;

rmSync("dist", { recursive: true, force: true });

const common = {
  platform: "node",
  // Packages stay in node_modules; only our own files, `#shared` among them, are bundled, and Zod's small face: whoever imports that
  // gets its sentences in fifty languages, which cost a verb of the command line more time than all else that it does.
  external: (id) => !/^[.#/]/.test(id) && !/^[A-Za-z]:\\/.test(id) && !ours.test(id),
  plugins: [withoutLanguages],
  resolve: { extensions: [".ts"] },
  logLevel: "warn",
};
const written = {
  dir: "dist",
  format: "esm",
  entryFileNames: "[name].js",
  chunkFileNames: "chunks/[name]-[hash].js",
  sourcemap: true,
};
// Threads that a console begins, whose files it looks for beside its own.
const threads = {
  reader: "console/store/reader.ts",
  packer: "console/store/packer.ts",
  checkpointer: "console/database/checkpointer.ts",
};

const faces = await rolldown({
  ...common,
  input: { console: "console/console.ts", agent: "agent/agent.ts", client: "api/client.ts", ...threads },
});
await faces.write(written);
await faces.close();

// What each verb loads is in one file: opening sixty took longer than reading them. The faces keep their own, smaller ones.
const program = await rolldown({
  ...common,
  input: { muster: "muster.ts", ...threads },
  // Of what several verbs share, some load a part at once and others late.
  checks: { ineffectiveDynamicImport: false },
});
const verbs = await loadedAtOnce(program, "muster.js");
await program.write({
  ...written,
  // The entry waits for its verb, which waits for this file: it is no part of it.
  codeSplitting: { groups: [{ name: "verbs", test: (id) => verbs.has(id) && !id.endsWith("/muster.ts") }] },
});
await program.close();

/** Modules that are loaded with an entry, and not later. */
async function loadedAtOnce(bundle, entry) {
  const { output } = await bundle.generate(written);
  const chunks = new Map(output.flatMap((one) => (one.type === "chunk" ? [[one.fileName, one]] : [])));
  const reached = new Set([entry]);
  for (const name of reached) for (const next of chunks.get(name)?.imports ?? []) reached.add(next);
  return new Set([...reached].flatMap((name) => chunks.get(name)?.moduleIds ?? []));
}
// `npx muster` runs it as a program, and npm has made only the first build one.
chmodSync("dist/muster.js", 0o755);

await buildAgent();

await build({ configFile: "web/vite.config.ts", root: "web", logLevel: "warn" });

buildTypes("dist/types");

await buildSbom("dist/sbom.json");
