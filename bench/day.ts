import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { bundlePrograms } from "../test/bundle.ts";
import { freePort } from "../test/mosquitto.ts";
import { ask, BenchScope, endChild, startChild } from "./children.ts";
import { pointsOf, type Load } from "./ingest-load.ts";
import { toMarkdown, type Row } from "./table.ts";

const day = 86_400_000;
const parts = 12;
const secret = "a secret of the bench, long enough";

interface ConsoleAnswer {
  readonly cpu: number;
  readonly rss: number;
  readonly stalls: { readonly p99: number; readonly longest: number };
}

/** 5,000 devices, each with 24 values a minute, ten minutes in a batch. */
function makeLoad(): Load {
  const shape = { devices: 5_000, series: 3, instants: 10, batches: 144, warm: 0, interval: 60_000, window: 4 };
  return { ...shape, from: Date.now() - day };
}

/**
 * What 5,000 devices say in a day, as fast as the embedded store takes it: after each twelfth, what memory, files and the event loop of broker and
 * console have come to. None of it may grow with the day but the store's own files.
 */
export async function wholeDay(): Promise<string> {
  const scope = new BenchScope();
  try {
    const load = makeLoad();
    const built = await bundlePrograms({
      console: "bench/ingest-console-child.ts",
      agents: "bench/ingest-agents-child.ts",
    });
    scope.cleanup(() => built.remove());
    const [port, directory] = [await freePort(), await scope.directory()];
    const { devices } = load;
    const console = await startChild(built.path("console"), { directory, port, devices, secret });
    scope.cleanup(() => endChild(console));
    const agents = await startChild(built.path("agents"), { load, port, secret });
    scope.cleanup(() => endChild(agents));
    let before = await ask<ConsoleAnswer>(console, {});
    const rows: Row[] = [];
    for (let part = 1; part <= parts; part++) {
      const { ms, resent } = await ask<{ ms: number; resent: number }>(agents, {
        until: (load.batches * part) / parts,
      });
      const { cpu, rss, stalls } = await ask<ConsoleAnswer>(console, {});
      const figures = {
        "points/s": ((pointsOf(load, load.batches / parts) * 1_000) / ms).toFixed(0),
        "µs console": ((cpu - before.cpu) / pointsOf(load, load.batches / parts)).toFixed(1),
        "RSS MB": (rss / 1e6).toFixed(0),
        "files MB": ((await bytesIn(directory)) / 1e6).toFixed(0),
        "event loop p99 ms": stalls.p99.toFixed(0),
        "longest ms": stalls.longest.toFixed(0),
        "sent again": String(resent),
      };
      before = { cpu, rss, stalls };
      process.stderr.write(`${part} of ${parts}: ${JSON.stringify(figures)}\n`);
      rows.push({ what: `hours ${(part - 1) * 2} to ${part * 2}`, figures });
    }
    return toMarkdown(`A day of ${devices} devices, 24 values a minute each, into the embedded store`, rows);
  } finally {
    await scope.end();
  }
}

async function bytesIn(directory: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true })) {
    // What SQLite has let go meanwhile takes nothing.
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name)).catch(() => undefined))?.size ?? 0;
  }
  return bytes;
}
