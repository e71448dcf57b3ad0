/// <reference lib="dom" />
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { serveApi } from "./api-server.ts";
import { servePage } from "./page-server.ts";
import { openPage, shoot } from "./browser.ts";
import { startFleet } from "./fleet.ts";
import { eventually, suite } from "./suite.ts";

suite("page: damage", ({ test }) => {
  test("the page is kept by the browser without anything that the console tells, opens when that is away, and follows another version", async (scope) => {
    const fleet = await startFleet(scope, "embedded");
    const page_ = new URL("../dist/web", import.meta.url).pathname;
    const { server, url, port } = await serveApi(scope, fleet, { page: page_ });
    const { page } = await openPage(scope);
    const logIn = async (): Promise<void> => {
      await page.getByTestId("login-name").fill("ann");
      await page.getByTestId("login-password").fill(fleet.secretOf("ann"));
      await page.getByTestId("login-submit").click();
      await page.getByTestId("stream").waitFor();
    };
    await page.goto(url);
    await logIn();
    const kept = await page.evaluate(keptByBrowser);
    assert.ok(kept.includes("/") && kept.some((path) => path.endsWith(".js")), kept.join());
    assert.equal(
      kept.filter((path) => /^\/(api|login|join|metrics|healthz)/.test(path)),
      [],
    );
    const manifest = (await (await fetch(`${url}/manifest.webmanifest`)).json()) as { icons: { src: string }[] };
    for (const { src } of manifest.icons) assert.is((await fetch(url + src)).status, 200, src);
    assert.is((await fetch(`${url}/service-worker.js`)).headers.get("cache-control"), "no-cache");

    await server.stop();
    await page.reload();
    await page.getByText("The console did not answer.").waitFor();

    // A newer page: what is shown is what the console has, and not what was kept.
    const newer = await scope.directory();
    await cp(page_, newer, { recursive: true });
    const index = await readFile(join(newer, "index.html"), "utf8");
    await writeFile(join(newer, "index.html"), index.replace("<title>Muster", "<title>Muster anew"));
    const worker = await readFile(join(newer, "service-worker.js"), "utf8");
    await writeFile(join(newer, "service-worker.js"), worker.replace(/version = "\w+"/, 'version = "newer"'));
    const next = await serveApi(scope, fleet, { page: newer, port });
    assert.is(next.port, port);
    await page.goto(`${url}/nowhere`);
    await eventually("the newer worker", () =>
      page.evaluate(async () => (await caches.keys()).join() === "muster-shell-newer"),
    );
    assert.match(await page.evaluate(keptIndex), /<title>Muster anew/);
  });

  test("a banner tells of damage and leads to what was set aside, which an administrator can forget", async (scope) => {
    const fleet = await startFleet(scope, "embedded", { selfInterval: 500 });
    const { console, state } = fleet;
    const admin = state.accounts.set("root", "admin");
    const url = await servePage(scope, fleet);
    console.damage.note("commands", "rpi-7 0mjtq", "the row is not valid: ts: <b>expected</b> number", "{}");
    console.damage.note(
      "metrics.db",
      "metrics.db.damaged-2026-11-27T06-00-00-000Z",
      "it is damaged: page 7; nothing was taken over",
    );

    const { page, complaints } = await openPage(scope);
    const logIn = async (name: string, secret: string): Promise<void> => {
      await page.goto(url);
      await page.getByTestId("login-name").fill(name);
      await page.getByTestId("login-password").fill(secret);
      await page.getByTestId("login-submit").click();
    };
    await logIn("ann", fleet.secretOf("ann"));
    const banner = page.getByTestId("banner-damage");
    assert.match(await banner.innerText(), /2 things in the console's data directory were damaged, gone or put back\./);
    await banner.getByRole("link", { name: "What was set aside" }).click();
    const rows = page.getByTestId("damage").locator("tbody tr");
    await rows.first().waitFor();
    assert.is(await rows.count(), 2);
    assert.match(await rows.nth(0).innerText(), /metrics\.db\s+metrics\.db\.damaged-.*Z\s+it is damaged: page 7/);
    assert.match(
      await rows.nth(1).innerText(),
      /commands\s+rpi-7 0mjtq\s+the row is not valid: ts: <b>expected<\/b> number/,
    );
    assert.is(await page.getByTestId("forget-damage").count(), 0, "an operator may not");
    if (process.env["MUSTER_SHOT"]) await page.screenshot({ path: process.env["MUSTER_SHOT"], fullPage: true });
    await page.getByTestId("logout").click();
    await page.getByTestId("login-name").waitFor();
    await logIn("root", admin);
    await page.getByRole("link", { name: "Health" }).click();
    await page.getByTestId("trouble-damage").getByText("2 things in the data directory did not read").waitFor();
    const parts = page.getByTestId("health-parts");
    for (const part of ["Console", "Broker", "Store", "Disk", "Safety", "Certificates"])
      assert.is(await parts.getByRole("heading", { name: part, exact: true }).count(), 1, part);
    assert.match(await parts.innerText(), /muster\.db\s+[\d.]+ [KM]iB/);
    await page
      .getByTestId("small-charts")
      .getByRole("img", { name: /^Memory: [\d.]+ MiB, from/ })
      .waitFor();
    await shoot(page, "health");
    await page.getByTestId("language").selectOption("de");
    await page.getByRole("heading", { name: "Zustand" }).waitFor();
    assert.is(await page.locator("html").getAttribute("lang"), "de");
    await shoot(page, "health-german");
    await page.reload();
    await page.getByRole("heading", { name: "Zustand" }).waitFor();
    await page.getByTestId("language").selectOption("en");
    await page.getByRole("heading", { name: "Health" }).waitFor();
    assert.is(await page.locator("html").getAttribute("lang"), "en");
    await banner.getByRole("link").click();
    await page.getByTestId("forget-damage").click();
    await page.getByText("Nothing is damaged.").waitFor();
    assert.is(await banner.count(), 0);
    assert.is(console.damage.count(), 0);
    // Logging out ends the stream of events.
    assert.equal(
      complaints.filter((one) => !one.includes("ERR_INCOMPLETE_CHUNKED_ENCODING")),
      [],
    );
  });
});

/** Runs in the page: the paths that its caches hold, once the service worker is there. */
async function keptByBrowser(): Promise<string[]> {
  await navigator.serviceWorker.ready;
  const all = await Promise.all((await caches.keys()).map(async (name) => (await caches.open(name)).keys()));
  return all.flat().map(({ url }) => new URL(url).pathname);
}

/** Runs in the page. */
async function keptIndex(): Promise<string> {
  return (await (await caches.match("/"))?.text()) ?? "";
}
