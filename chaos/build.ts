import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { rolldown } from "rolldown";

/** The programs of the fleet, built. */
export interface Programs {
  readonly agent: string;
  readonly server: string;
  readonly metricsAgent: string;
  readonly metricsServer: string;
  remove(): void;
}

/**
 * Builds agent and server into a directory of their own, because a process of one file starts in a third of the time, and there are
 * hundreds. It lies beneath node_modules, where packages are found, and `dist` is left alone.
 */
export async function buildPrograms(): Promise<Programs> {
  const root = new URL("..", import.meta.url).pathname;
  const directory = mkdtempSync(join(root, "node_modules", ".chaos-"));
  const bundle = await rolldown({
    cwd: root,
    input: {
      agent: "chaos/agent.ts",
      server: "chaos/server.ts",
      "metrics-agent": "chaos/metrics/agent.ts",
      "metrics-server": "chaos/metrics/server.ts",
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
    sourcemap: true,
  });
  await bundle.close();
  return {
    agent: join(directory, "agent.mjs"),
    server: join(directory, "server.mjs"),
    metricsAgent: join(directory, "metrics-agent.mjs"),
    metricsServer: join(directory, "metrics-server.mjs"),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
