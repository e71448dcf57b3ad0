import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";

/** Files of `public/` that the page needs to open, beside its code. */
const beside = ["/favicon.svg", "/manifest.webmanifest", "/icon-192.png"];

/** Builds the page into `dist/web`, which the console serves under a content security policy without inline code. */
export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  base: "/",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  plugins: [serviceWorker()],
  build: {
    outDir: fileURLToPath(new URL("../dist/web", import.meta.url)),
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
  },
});

/** Writes the service worker, with the names of the files that make up the first load: another set of them is another worker. */
function serviceWorker(): Plugin {
  return {
    name: "service-worker",
    apply: "build",
    generateBundle(_, bundle) {
      const entries = Object.values(bundle).filter((one) => one.type === "chunk" && one.isEntry);
      const chunks = entries.flatMap((one) => (one.type === "chunk" ? [one.fileName, ...one.imports] : []));
      const styles = entries.flatMap((one) => [...(one.viteMetadata?.importedCss ?? [])]);
      const shell = ["/", ...beside, ...[...new Set([...chunks, ...styles])].map((name) => `/${name}`)];
      const template = readFileSync(new URL("worker/service-worker.js", import.meta.url), "utf8");
      const version = createHash("sha256").update(JSON.stringify(shell)).update(template).digest("hex").slice(0, 16);
      const source = template.replace("__VERSION__", version).replace("__SHELL__", JSON.stringify(shell));
      this.emitFile({ type: "asset", fileName: "service-worker.js", source });
    },
  };
}
