/// <reference lib="dom" />
import type { CDPSession, Page } from "playwright-core";
import { chromium } from "playwright-core";
import { bundlePrograms } from "../test/bundle.ts";
import { ask, BenchScope, endChild, startChild } from "./children.ts";
import type { FleetConsole } from "./fleet-console-child.ts";
import { percentile, toMarkdown, type Row } from "./table.ts";

const devices = 10_000;
/** Devices that say something in a second: each of them takes a sample every ten. */
const changing = 1_000;
/** Seconds that each view is looked at. */
const seconds = 15;
const openings = 5;
/** What somebody looks at, by its address. */
const views = [
  ["the list", "/"],
  ["sorted by CPU, with a column of small lines", "/?sort=-cpu&columns=mem.total"],
  ["a filter of two conditions", `/?where=${encodeURIComponent("cpu.usage_idle<50 version<0.3")}`],
  ["grouped by version", "/?group=version"],
  ["the mosaic", "/?as=mosaic"],
  ["the wall, sorted by load", "/?wall&sort=-system.load1"],
] as const;

/** Ten thousand devices on the page in a real Chromium: the first paint after the data, and what each second of changes costs it. */
export async function page(): Promise<string> {
  const scope = new BenchScope();
  try {
    const built = await bundlePrograms({ console: "bench/fleet-console-child.ts" });
    scope.cleanup(() => built.remove());
    const web = new URL("../dist/web", import.meta.url).pathname;
    const child = await startChild(built.path("console"), {
      directory: await scope.directory(),
      devices,
      changing,
      web,
    });
    scope.cleanup(() => endChild(child));
    const { http, password } = await ask<FleetConsole>(child, {});
    const browser = await chromium.launch({
      executablePath: "/usr/bin/chromium",
      args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
    });
    scope.cleanup(() => browser.close());
    const url = `http://127.0.0.1:${http}`;
    const tab = await (await browser.newContext({ viewport: { width: 1280, height: 900 } })).newPage();
    await tab.addInitScript(observe);
    const session = await tab.context().newCDPSession(tab);
    await tab.goto(url);
    await tab.getByTestId("login-name").fill("ann");
    await tab.getByTestId("login-password").fill(password);
    await tab.getByTestId("login-submit").click();
    await tab.getByTestId("fleet-table").waitFor();
    const rows: Row[] = [];
    for (const [what, path] of views) rows.push({ what, figures: await look(tab, session, url + path) });
    return toMarkdown(`${devices} devices on the page, ${changing} of them changing in a second`, rows);
  } finally {
    await scope.end();
  }
}

interface Seen {
  /** When the last row of the fleet had come, and when the first of them was painted; ms since the page was asked for. */
  painted: number | undefined;
  readonly long: number[];
}

/** In the page, before anything of it runs. */
function observe(): void {
  const seen: Seen = { painted: undefined, long: [] };
  Object.assign(window, { seen });
  new PerformanceObserver((list) => seen.long.push(...list.getEntries().map(({ duration }) => duration))).observe({
    type: "longtask",
    buffered: true,
  });
  const looks = new MutationObserver(() => {
    if (!document.querySelector("tr.device, .mosaic canvas")) return;
    looks.disconnect();
    // The frame after the next callback has them on the screen.
    requestAnimationFrame(() => setTimeout(() => (seen.painted = performance.now())));
  });
  looks.observe(document, { childList: true, subtree: true });
}

async function look(tab: Page, session: CDPSession, url: string): Promise<Row["figures"]> {
  const paints: number[] = [];
  const opened: number[] = [];
  for (let round = 0; round < openings; round++) {
    await tab.goto(url);
    await tab.waitForFunction(() => (window as unknown as { seen: Seen }).seen.painted !== undefined);
    const { after, long } = await tab.evaluate(() => {
      const { seen } = window as unknown as { seen: Seen };
      const asked = performance.getEntriesByType("resource").filter(({ name }) => name.includes("/api/fleet?"));
      const whole = asked.map((one) => (one as PerformanceResourceTiming).responseEnd);
      return { after: (seen.painted ?? Number.NaN) - Math.max(...whole), long: seen.long };
    });
    paints.push(after);
    opened.push(Math.max(0, ...long));
  }
  // What belongs to the opening is over by then.
  await tab.waitForTimeout(2_000);
  await tab.evaluate(() => void ((window as unknown as { seen: Seen }).seen.long.length = 0));
  const tasks = await traced(session, () => tab.waitForTimeout(seconds * 1_000));
  const long = await tab.evaluate(() => (window as unknown as { seen: Seen }).seen.long);
  const drawn = await tab.evaluate(() => document.querySelectorAll("tbody tr").length);
  return {
    "first paint after the data, ms": percentile(paints, 0.5).toFixed(0),
    "longest task while opening, ms": percentile(opened, 0.5).toFixed(0),
    "long tasks in 15 s": long.length.toFixed(0),
    "longest, ms": Math.max(0, ...tasks.map(({ wall }) => wall)).toFixed(0),
    "longest, ms of CPU": Math.max(0, ...tasks.map(({ cpu }) => cpu)).toFixed(0),
    "CPU, ms a second": (tasks.reduce((sum, { cpu }) => sum + cpu, 0) / seconds).toFixed(0),
    "rows drawn": String(drawn),
  };
}

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly dur?: number;
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}

/** The tasks of the page's main thread meanwhile, in ms: CPU is its own, whatever else the machine does. */
async function traced(session: CDPSession, wait: () => Promise<unknown>): Promise<{ wall: number; cpu: number }[]> {
  const events: TraceEvent[] = [];
  const collect = ({ value }: { value: unknown[] }): void => void events.push(...(value as TraceEvent[]));
  session.on("Tracing.dataCollected", collect);
  await session.send("Tracing.start", { traceConfig: { includedCategories: ["toplevel", "__metadata"] } });
  await wait();
  const over = new Promise((resolve) => session.once("Tracing.tracingComplete", resolve));
  await session.send("Tracing.end");
  await over;
  session.off("Tracing.dataCollected", collect);
  const main = new Set(
    events
      .filter(({ name, args }) => name === "thread_name" && args?.name === "CrRendererMain")
      .map(({ pid, tid }) => `${pid} ${tid}`),
  );
  return events
    .filter(({ ph, name, pid, tid }) => ph === "X" && name.endsWith("RunTask") && main.has(`${pid} ${tid}`))
    .map(({ dur = 0, tdur = 0 }) => ({ wall: dur / 1_000, cpu: tdur / 1_000 }));
}
