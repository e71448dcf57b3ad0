/// <reference lib="dom" />
import type { Page, Route } from "playwright-core";
import * as assert from "uvu/assert";
import type { Client } from "#api/client";

/** Holds back the first answer to what fits, as it was when it was asked for. @returns what waits for the question, and what lets the answer go and waits until it was there */
async function holdBack(
  page: Page,
  fits: RegExp,
  method = "GET",
): Promise<{ readonly asked: Promise<void>; readonly release: () => Promise<void> }> {
  let [isAsked, letGo, isOver] = [() => {}, () => {}, () => {}];
  const asked = new Promise<void>((done) => (isAsked = done));
  const released = new Promise<void>((done) => (letGo = done));
  const over = new Promise<void>((done) => (isOver = done));
  let isFirst = true;
  await page.route(
    (url) => fits.test(url.pathname),
    async (route: Route) => {
      if (!isFirst || route.request().method() !== method) return route.fallback();
      isFirst = false;
      const response = await route.fetch();
      isAsked();
      await released;
      // What was given up meanwhile is answered to nobody.
      await route.fulfill({ response }).catch(() => {});
      isOver();
    },
  );
  return {
    asked,
    release: async () => {
      letGo();
      await over;
      // Once around, so that whatever the answer does is done.
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done))));
    },
  };
}

/**
 * Answers that come after what was asked for later: each time what was chosen last is what stays.
 * @param client an administrator's; the page has been logged in as `boss`
 */
export async function answerLate(page: Page, url: string, client: Client): Promise<void> {
  await page.setViewportSize({ width: 1_280, height: 900 });
  await listBehindItsChange(page, url);
  await planOfBefore(page);
  await languageOfBefore(page);
  await favouritesOfAnother(page, url, client);
  await page.unrouteAll({ behavior: "ignoreErrors" });
}

/** A list that was asked for before something was added to it. */
async function listBehindItsChange(page: Page, url: string): Promise<void> {
  const list = await holdBack(page, /^\/api\/schedules$/);
  await page.goto(`${url}/schedules`);
  await list.asked;
  await page.getByTestId("job-name").fill("weekly");
  await page.getByTestId("schedule-make").click();
  await page.getByTestId("change-weekly").waitFor();
  await list.release();
  assert.is(await page.getByTestId("change-weekly").count(), 1, "the older list has no say");
}

/** A plan of an order that was changed while it was made. */
async function planOfBefore(page: Page): Promise<void> {
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Jobs" }).click();
  await page.getByTestId("job-target").selectOption("devices");
  await page.getByTestId("job-devices").fill("rpi-7");
  // Its looks are fetched with the first.
  await page.getByTestId("job-plan").click();
  await page.getByTestId("job-plan-shown").waitFor();
  const plan = await holdBack(page, /^\/api\/job-plan$/, "POST");
  await page.getByTestId("job-plan").click();
  await plan.asked;
  await page.getByTestId("job-devices").fill("rpi-8");
  await plan.release();
  assert.is(await page.getByTestId("job-plan-shown").count(), 0, "a plan of what stood there before");
}

/** At a device with the chart `freezer energy`. What is typed before it is known what was said would take that back. */
export async function askForUnitsSlowly(page: Page): Promise<void> {
  const units = await holdBack(page, /^\/api\/units$/);
  await page.getByRole("button", { name: "Units of freezer energy" }).click();
  await units.asked;
  assert.is(await page.locator('[data-testid="units"] fieldset').count(), 0);
  assert.ok(await page.getByTestId("units-save").isDisabled());
  await units.release();
  await page.locator('[data-testid="units"] fieldset').first().waitFor();
  await page.keyboard.press("Escape");
}

/** A language that comes when another one has been chosen. */
async function languageOfBefore(page: Page): Promise<void> {
  await page.getByTestId("language").evaluate((chosen) => {
    for (const language of ["de", "en"]) {
      (chosen as HTMLSelectElement).value = language;
      chosen.dispatchEvent(new Event("change", { bubbles: true }));
    }
  });
  const name = "/assets/german-";
  await page.waitForFunction(
    (part) => performance.getEntriesByType("resource").some((one) => one.name.includes(part)),
    name,
  );
  // The same module: it is there for the page as well once it is there for this.
  await page.evaluate(async (part) => {
    const german = performance.getEntriesByType("resource").find((one) => one.name.includes(part));
    await import(german?.name ?? "");
    await new Promise((done) => setTimeout(done));
  }, name);
  assert.is(await page.evaluate(() => document.documentElement.lang), "en");
  await page.getByRole("button", { name: "Log out" }).waitFor();
}

/** What somebody asked for who has left is not shown to the next one. */
async function favouritesOfAnother(page: Page, url: string, client: Client): Promise<void> {
  await client.keepCommand("of the boss", { key: "ping", args: {} });
  const favourites = await holdBack(page, /^\/api\/favourites$/);
  await page.goto(`${url}/jobs`);
  await favourites.asked;
  await page.getByTestId("logout").click();
  const own = page.waitForResponse((answer) => answer.url().endsWith("/api/favourites"));
  await page.getByTestId("login-name").fill("eve");
  await page.getByTestId("login-password").fill("correct horse");
  await page.getByTestId("login-submit").click();
  await own;
  await favourites.release();
  await page.getByTestId("job-form").waitFor();
  assert.is(await page.getByTestId("favourites").count(), 0, "of who has logged out");
}
