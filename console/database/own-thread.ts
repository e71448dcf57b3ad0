import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker, type WorkerOptions } from "node:worker_threads";

/**
 * Starts a thread on a module of the console's, or on the file that is built for it, beside the chunks or above them.
 * @param name of the file that is built
 * @param source the module's address
 */
export function startThread(name: string, source: URL, options: WorkerOptions): Worker {
  const places = [`./${name}.js`, `../${name}.js`, `./${name}.mjs`, `../${name}.mjs`].map(
    (one) => new URL(one, import.meta.url),
  );
  const built = places.find((one) => existsSync(fileURLToPath(one)));
  if (built) return new Worker(built, options);
  // From the sources: a thread does not inherit what lets the process read TypeScript.
  const begin = `import("tsx/esm/api").then(({ register }) => (register(), import(${JSON.stringify(source.href)})))`;
  return new Worker(begin, { ...options, eval: true });
}
