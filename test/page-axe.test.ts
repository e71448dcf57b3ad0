/// <reference lib="dom" />
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AxeResults, RunOptions } from "axe-core";
import type { Page } from "playwright-core";
import * as assert from "uvu/assert";
import { silentLog } from "#shared/log";
import { loadSettings } from "#shared/settings/load-settings";
import { RunningSettings } from "../console/settings/running-settings.ts";
import { serveApi } from "./api-server.ts";
import { openPage } from "./browser.ts";
import { walkByKeyboard } from "./keyboard-walk.ts";
import { walkDialogs } from "./dialog-walk.ts";
import { englishOn } from "./german-walk.ts";
import { answerLate } from "./late-answers.ts";
import { startFleet } from "./fleet.ts";
import { eventually, suite } from "./suite.ts";

declare const axe: { run(options: RunOptions): Promise<AxeResults> };

const source = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const page_ = new URL("../dist/web", import.meta.url).pathname;
const shots = process.env["MUSTER_SHOT"];

const order = { rate: 100, canary: 0, abort: null, ttl: 60_000, timeout: null };

/** Each page, and what is there when it is whole. */
const places: [place: string, whole: string][] = [
  ["/", '[data-testid="device-rpi-7"]'],
  ["/devices/rpi-7", '[data-testid="chart-cpu"] .plot'],
  ["/commands", ".command-head"],
  ["/jobs", ".job"],
  ["/schedules", "main h1"],
  ["/people", ".matrix tbody tr"],
  ["/tokens", "main h1"],
  ["/sessions", ".matrix tbody tr"],
  ["/audit", "main h1"],
  ["/damage", "main h1"],
  ["/health", ".health-part"],
  ["/set-aside", "main h1"],
  ["/settings", ".setting-row"],
  ["/notifications", '[data-testid="channel-topic"]'],
  ["/alerts", '[data-testid="cause-MemoryInUse"] tbody tr'],
  ["/reports", '[data-testid="report"] tbody tr'],
  ["/alerts/rules/edit?name=MemoryInUse&device=rpi-7", '[data-testid="rule-form"]'],
];

suite("page: what axe finds", ({ test }) => {
  test(
    "nothing, on any page, light or dark, on a desk or in the hand",
    async (scope) => {
      const fleet = await startFleet(scope, "embedded", { pageUrl: "https://muster.example.org" });
      await fleet.agent("rpi-7", { interval: 2_000 });
      await fleet.sees("rpi-7", true);
      fleet.state.accounts.set("eve", "operator", "correct horse");
      fleet.state.accounts.set("boss", "admin", "correct horse");
      await fleet.console.send("rpi-7", { key: "ping", args: {} });
      const job = fleet.console.jobs.create({ ...order, key: "ping", args: {}, target: { all: true } }, "ann");
      for (const at of [1, 2]) {
        const nightly = { from: "schedule", schedule: { id: "s1", name: "nightly" } };
        const run = { ...order, id: `nightlyrun00000${at}`, key: "ping", args: {}, target: { all: true as const } };
        fleet.console.jobs.create(run, "ann", nightly);
      }
      places.push([`/jobs/${job.id}`, "table tbody tr"]);
      const channel = { name: "topic", kind: "mqtt", settings: {}, enabled: true, usual: true, by: "boss" };
      fleet.console.notifications.set(channel)();
      const { url, as } = await serveApi(scope, fleet, {
        page: page_,
        join: { agent: "dist/muster-agent.cjs" },
        settings: new RunningSettings({ database: fleet.state.database, ...loadSettings({}), log: silentLog }),
      });
      const boss = as("boss:correct horse");
      await boss.applyAlertRules({ rules: [{ name: "MemoryInUse", when: "mem.used_percent > 0" }] });
      const fired = await eventually("an alert", async () => (await boss.listAlerts({})).alerts[0]);
      const noticed = fleet.state.database.prepare("SELECT document FROM notices WHERE alert = ?").get(fired.id);
      const { url: leadsTo } = JSON.parse(String(noticed?.["document"])) as { url: string };
      assert.is(leadsTo, `https://muster.example.org/alerts/${fired.id}`);
      places.push([`/alerts/${fired.id}`, '[data-testid="alert-history"]']);
      const { page, complaints } = await openPage(scope);
      const found: string[] = [];
      await page.goto(url);
      await page.getByTestId("login-name").waitFor();
      found.push(...(await inAllLooks(page, "login")));
      await page.getByTestId("login-name").fill("boss");
      await page.getByTestId("login-password").fill("correct horse");
      await page.getByTestId("login-submit").click();
      await page.getByTestId("device-rpi-7").waitFor();
      for (const [place, whole] of places) {
        await page.goto(url + place);
        await page.locator(whole).first().waitFor();
        if (place.startsWith("/devices")) await readChart(page);
        if (place === "/jobs") await unfoldRuns(page);
        if (place === "/schedules") await changeSchedule(page);
        found.push(...(await inAllLooks(page, place)));
        await page.setViewportSize({ width: 1_280, height: 900 });
        found.push(...(await walkByKeyboard(page)).map((one) => `${place} by keyboard: ${one}`));
      }
      await page.goto(url);
      await page.getByTestId("add-device-button").click();
      await page.getByTestId("add-name").waitFor();
      found.push(...(await inAllLooks(page, "add a device")));
      assert.equal([...new Set(found)], []);
      assert.equal(complaints, []);
      await walkDialogs(page, url);
      found.push(...(await walkInGerman(page, url)));
      assert.equal(found, []);
      await answerLate(page, url, boss);
    },
    { seconds: 180 },
  );
});

/** A chart by ear and by keyboard: its picture has its values for a name, and a table of them is a key away. */
async function readChart(page: Page): Promise<void> {
  await page.setViewportSize({ width: 1_280, height: 900 });
  await page.getByRole("img", { name: /^Memory: used [\d.]+ %, from [\d.]+ % to [\d.]+ %/ }).waitFor();
  const button = page.getByRole("button", { name: "Values of Memory as a table" });
  await button.press("Enter");
  const table = page.getByRole("region", { name: "Values of Memory" }).getByRole("table");
  assert.match(await table.innerText(), /^Memory up to \d\d:\d\d:\d\d\s+Time\s+used[^%]+ %/);
  assert.is(await button.getAttribute("aria-expanded"), "true");
}

/** What the clock has begun stands in one place. */
async function unfoldRuns(page: Page): Promise<void> {
  const runs = page.getByTestId("runs-nightly");
  await runs.waitFor();
  assert.is(await page.getByTestId("jobs").locator(".job > .job-head").count(), 2, "a job, and a schedule's runs");
  await runs.getByRole("button").first().click();
  await runs.locator("li.job").nth(1).waitFor();
}

/** One is made, and then does something else at another time. */
async function changeSchedule(page: Page): Promise<void> {
  await page.getByTestId("job-name").fill("nightly");
  await page.getByTestId("job-args").fill('{"x":1}');
  await page.getByTestId("schedule-make").click();
  await page.getByTestId("change-nightly").click();
  await page.getByRole("heading", { name: "Change nightly" }).waitFor();
  assert.is(await page.getByTestId("job-args").inputValue(), '{"x":1}');
  await page.getByTestId("job-cron").fill("30 4 * * *");
  await page.getByTestId("schedule-make").click();
  await page.getByTestId("schedules").getByText("30 4 * * *").waitFor();
  await page.getByRole("heading", { name: "Begin by the clock" }).waitFor();
  await page.getByTestId("change-nightly").click();
}

/** Every page in German, on which no English is left but what is somebody's data or a sentence of the console. */
async function walkInGerman(page: Page, url: string): Promise<string[]> {
  const found: string[] = [];
  await page.goto(url);
  await page.getByTestId("language").selectOption("de");
  await page.locator('html[lang="de"]').waitFor();
  for (const [place, whole] of places) {
    await page.goto(url + place);
    await page.locator(whole).first().waitFor();
    found.push(...(await englishOn(page)).map((one) => `${place} in German: ${one}`));
    if (shots !== undefined)
      await page.screenshot({ path: `${shots}de${place.replaceAll("/", "-")}.png`, fullPage: true });
  }
  await page.getByTestId("language").selectOption("en");
  await page.locator('html[lang="en"]').waitFor();
  return found;
}

/** Everything in one look; what a theme or a width can change, in the three others. */
async function inAllLooks(page: Page, place: string): Promise<string[]> {
  const found: string[] = [];
  await page.evaluate(source);
  for (const width of [1_280, 390])
    for (const colorScheme of ["light", "dark"] as const) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme });
      const first = width === 1_280 && colorScheme === "light";
      const only = colorScheme === "dark" ? ["color-contrast"] : undefined;
      const told = await page.evaluate(violations, only);
      found.push(...told.map((one) => `${place}${first ? "" : ` ${width} ${colorScheme}`}: ${one}`));
      const name = `${place.replaceAll("/", "-")}-${width}-${colorScheme}.png`;
      if (shots !== undefined) await page.screenshot({ path: `${shots}${name}`, fullPage: true });
    }
  return found;
}

/** Runs in the page. */
async function violations(only: string[] | undefined): Promise<string[]> {
  const told = await axe.run({
    resultTypes: ["violations"],
    ...(only && { runOnly: { type: "rule", values: only } }),
  });
  return told.violations.flatMap(({ id, nodes }) =>
    nodes.slice(0, 3).map(({ target, failureSummary }) => `${id} ${target.join(" ")} (${failureSummary ?? ""})`),
  );
}
