import { get } from "node:http";
import { gunzipSync } from "node:zlib";
import { bundlePrograms } from "../test/bundle.ts";
import { ask, BenchScope, endChild, startChild } from "./children.ts";
import type { FleetConsole } from "./fleet-console-child.ts";
import { percentile, toMarkdown, type Row } from "./table.ts";

const sizes = [5_000, 10_000] as const;
/** Devices that say something in a second. */
const changing = 500;
const rounds = 7;
/** What the page asks for. */
const columns =
  "name,state,online,boot,seen,silentAfter,paused,retired,version,build,problem,missing,group,tag,cpu.usage_idle,mem.used_percent,disk.used_percent,system.load1";

interface Page {
  readonly next: string | null;
  readonly revision?: string;
}

interface Taken {
  /** Milliseconds to the first page, and to all. */
  readonly first: number;
  readonly all: number;
  readonly packed: number;
  readonly plain: number;
  readonly revision: string;
}

/** The fleet over HTTP: all documents in pages, as it was; the columns that the page shows; and what has changed within a second. */
export async function fleet(): Promise<string> {
  const rows: Row[] = [];
  for (const devices of sizes) {
    const scope = new BenchScope();
    try {
      const built = await bundlePrograms({ console: "bench/fleet-console-child.ts" });
      scope.cleanup(() => built.remove());
      const given = { directory: await scope.directory(), devices, changing };
      const child = await startChild(built.path("console"), given);
      scope.cleanup(() => endChild(child));
      const { http, token } = await ask<FleetConsole>(child, {});
      const measure = async (what: string, path: () => string): Promise<Taken> => {
        const taken: Taken[] = [];
        await ask<FleetConsole>(child, {});
        for (let round = 0; round < rounds; round++) taken.push(await takeAll(http, token, path()));
        const { longest } = await ask<FleetConsole>(child, {});
        rows.push({ what: `${devices}: ${what}`, figures: figuresOf(taken, longest) });
        return taken.at(-1) ?? taken[0]!;
      };
      await measure("documents, as before", () => "/api/devices?limit=10000");
      let { revision } = await measure("columns of the page", () => `/api/fleet?columns=${columns}`);
      await measure(
        "a filter",
        () => `/api/fleet?columns=version&where=${encodeURIComponent("cpu.usage_idle<20 version<0.3")}`,
      );
      for (let round = 0; round < rounds; round++) {
        await new Promise((resolve) => setTimeout(resolve, 1_000));
        const since = revision;
        ({ revision } = await takeAll(http, token, `/api/fleet?columns=${columns}&since=${since}`));
        if (round === rounds - 1)
          await measure("changes of one second", () => `/api/fleet?columns=${columns}&since=${since}`);
      }
    } finally {
      await scope.end();
    }
  }
  return toMarkdown(`The fleet over HTTP, ${changing} devices changing in a second`, rows);
}

function figuresOf(taken: readonly Taken[], longest: number): Row["figures"] {
  const median = (of: (one: Taken) => number): number => percentile(taken.map(of), 0.5);
  return {
    "first page, ms": median(({ first }) => first).toFixed(0),
    "all, ms": median(({ all }) => all).toFixed(0),
    "kB packed": (median(({ packed }) => packed) / 1_000).toFixed(0),
    "kB plain": (median(({ plain }) => plain) / 1_000).toFixed(0),
    "longest turn, ms": longest.toFixed(0),
  };
}

async function takeAll(port: number, token: string, path: string): Promise<Taken> {
  const began = performance.now();
  let [first, packed, plain, after, revision] = [0, 0, 0, "", ""];
  let unpacking = 0;
  for (;;) {
    const bytes = await fetchPacked(port, token, path + after);
    first ||= performance.now() - began;
    packed += bytes.length;
    const before = performance.now();
    const text = (bytes[0] === 0x1f ? gunzipSync(bytes) : bytes).toString();
    const page = JSON.parse(text) as Page;
    // What whoever asks makes of it is not the console's.
    unpacking += performance.now() - before;
    plain += text.length;
    revision ||= page.revision ?? "";
    if (page.next === null) return { first, all: performance.now() - began - unpacking, packed, plain, revision };
    after = `&after=${page.next}`;
  }
}

function fetchPacked(port: number, token: string, path: string): Promise<Buffer> {
  const headers = { authorization: `Bearer ${token}`, "accept-encoding": "gzip" };
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port, path, headers }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("end", () => {
        if (response.statusCode === 200) resolve(Buffer.concat(parts));
        else reject(new Error(`${path}: ${response.statusCode} ${Buffer.concat(parts).toString()}`));
      });
    }).on("error", reject);
  });
}
