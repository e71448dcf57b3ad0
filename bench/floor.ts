import { setTimeout as pause } from "node:timers/promises";
import { bundlePrograms } from "../test/bundle.ts";
import { freePort } from "../test/mosquitto.ts";
import { ask, BenchScope, endChild, startChild } from "./children.ts";
import { toMarkdown, type Row } from "./table.ts";

/** Servers that take connections, each with more in it than the one before. */
export type FloorServer = "net" | "parser" | "aedes" | "broker";

const rows: readonly { readonly what: string; readonly server: FloorServer; readonly isLean: boolean }[] = [
  { what: "node:net, which answers the first bytes", server: "net", isLean: false },
  { what: "the same, its heap kept as Muster's is", server: "net", isLean: true },
  { what: "and mqtt-packet's parser for each", server: "parser", isLean: true },
  { what: "Aedes as it comes", server: "aedes", isLean: true },
  { what: "the embedded broker", server: "broker", isLean: true },
  { what: "the same, its heap left to Node", server: "broker", isLean: false },
];

/** Bytes, as `process.memoryUsage` has them. */
export interface FloorAnswer {
  readonly rss: number;
  readonly heapUsed: number;
  readonly external: number;
}

const connections = 10_000;
/** Milliseconds after which the memory is looked at. */
const settling = 3_000;

/** What a connection that has logged in and says nothing costs in memory, from Node's own sockets up to the embedded broker. */
export async function floor(): Promise<string> {
  const built = await bundlePrograms({ floor: "bench/floor-child.ts", load: "bench/floor-load-child.ts" });
  try {
    const measured: Row[] = [];
    for (const { what, ...taking } of rows) measured.push({ what, figures: await measure(taking, built.path) });
    return toMarkdown(`${connections} connections that say nothing, kB for each`, measured);
  } finally {
    built.remove();
  }
}

async function measure(
  server: { readonly server: FloorServer; readonly isLean: boolean },
  path: (name: string) => string,
): Promise<Row["figures"]> {
  const scope = new BenchScope();
  try {
    const port = await freePort();
    const taking = await startChild(path("floor"), { ...server, port });
    scope.cleanup(() => endChild(taking));
    const coming = await startChild(path("load"), { port, connections });
    scope.cleanup(() => endChild(coming));
    const look = (collected: boolean) => ask<FloorAnswer>(taking, { collected });
    const before = await look(true);
    await ask(coming, {});
    await pause(settling);
    const resident = await look(false);
    const after = await look(true);
    const each = (from: number, to: number): string => ((to - from) / connections / 1_000).toFixed(1);
    return {
      "live heap": each(before.heapUsed, after.heapUsed),
      outside: each(before.external, after.external),
      resident: each(before.rss, resident.rss),
      "after a collection": each(before.rss, after.rss),
    };
  } finally {
    await scope.end();
  }
}
