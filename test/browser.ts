import { createHash, type X509Certificate } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import { untilTheEnd, type Scope } from "./suite.ts";

/**
 * `MUSTER_PAGE_LATENCY=800` has each of a page's questions wait up to as many milliseconds, so that answers come late and in another
 * order than they were asked for in: what a busy machine does to one run of a thousand, to every one.
 */
async function slowDown(context: BrowserContext): Promise<void> {
  const most = Number(process.env["MUSTER_PAGE_LATENCY"] ?? 0);
  if (!(most > 0)) return;
  await context.route(/\/api\//, async (route) => {
    await setTimeout(Math.random() * most);
    await route.continue().catch(() => undefined);
  });
}

/** Chromium would otherwise look for the world outside at every start. */
const quiet = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** One for all test files of a process: a start costs a second of CPU, and what a page keeps is its context's own. */
let common: Browser | undefined;

async function launch(more: readonly string[] = []): Promise<Browser> {
  return chromium.launch({ executablePath: "/usr/bin/chromium", args: [...quiet, ...more] });
}

async function commonBrowser(): Promise<Browser> {
  if (common?.isConnected()) return common;
  const browser = (common = await launch());
  untilTheEnd(() => browser.close());
  return browser;
}

/** Whose trust in a certificate is nobody else's. */
async function trustingBrowser(scope: Scope, certificate: X509Certificate): Promise<Browser> {
  const browser = await launch(trusting(certificate));
  scope.cleanup(() => browser.close());
  return browser;
}

/**
 * A page in the system's real Chromium, with cookies, a cache and settings of its own; a script error or a violation of the content
 * security policy fails the test.
 */
export async function openPage(
  scope: Scope,
  options: { width?: number; height?: number; dark?: boolean; zone?: string; trusted?: X509Certificate } = {},
): Promise<{ page: Page; complaints: string[] }> {
  const browser = options.trusted ? await trustingBrowser(scope, options.trusted) : await commonBrowser();
  const context = await browser.newContext({
    viewport: { width: options.width ?? 1280, height: options.height ?? 900 },
    colorScheme: options.dark ? "dark" : "light",
    ...(options.zone === undefined ? {} : { timezoneId: options.zone }),
  });
  scope.cleanup(() => context.close());
  await slowDown(context);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    // A session that is asked for before the login is answered 401, and Chromium writes that down.
    if (message.type() === "error" && !message.text().includes("401")) complaints.push(message.text());
  });
  return { page, complaints };
}

/** Chromium has a store of its own; this has it take one server's key, and nobody else's. */
function trusting(certificate: X509Certificate): string[] {
  const key = certificate.publicKey.export({ type: "spki", format: "der" });
  return [`--ignore-certificate-errors-spki-list=${createHash("sha256").update(key).digest("base64")}`];
}

/** What a page looks like on a desk and in the hand, by day and by night, for whoever wants to see it. */
export async function shoot(page: Page, name: string): Promise<void> {
  const place = process.env["MUSTER_SHOT"];
  if (!place) return;
  for (const width of [1280, 390])
    for (const colorScheme of ["light", "dark"] as const) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: `${place}-${name}-${width}-${colorScheme}.png`, fullPage: true });
    }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 1280, height: 900 });
}
