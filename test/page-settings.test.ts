/// <reference lib="dom" />
import { join } from "node:path";
import type { Page } from "playwright-core";
import * as assert from "uvu/assert";
import { createClient } from "#api/client";
import { consoleSettings } from "../cli/console-settings.ts";
import { openPage, shoot as shootAll } from "./browser.ts";
import { freePort } from "./mosquitto.ts";
import { musterProgram, Running } from "./programs.ts";
import { suite, type Scope } from "./suite.ts";

const password = "correct horse";

async function startMuster(scope: Scope): Promise<string> {
  const [httpPort, mqttPort] = [await freePort(), await freePort()];
  const env = {
    MUSTER_DATA: join(await scope.directory(), "data"),
    MUSTER_HTTP_PORT: String(httpPort),
    MUSTER_MQTT_PORT: String(mqttPort),
    MUSTER_DEVICE: "edge-1",
    MUSTER_ADMIN_PASSWORD: password,
  };
  await new Running(scope, ...musterProgram(["start"]), { env }).line(/Muster .* is up/);
  return `http://127.0.0.1:${httpPort}`;
}

const inState = (page: Page, state: string): Promise<void> =>
  page.locator(`[data-testid="settings"][data-state="${state}"]`).waitFor();

async function set(page: Page, scope: string, settings: Readonly<Record<string, string>>): Promise<void> {
  await page.getByTestId("settings-edit").click();
  await page.getByTestId("settings-scope").selectOption(scope);
  for (const [key, value] of Object.entries(settings)) {
    const input = page.getByTestId(`setting-${key}`);
    if ((await input.count()) === 0) await page.getByTestId("settings-add").selectOption(key);
    await input.fill(value);
  }
  await page.getByTestId("settings-save").click();
}

/** What the page looks like, for whoever wants to see it. */
async function shoot(page: Page, name: string): Promise<void> {
  const place = process.env["MUSTER_SHOT"];
  if (!place) return;
  for (const width of [1280, 390])
    for (const colorScheme of ["light", "dark"] as const) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme });
      await page.getByTestId("settings").screenshot({ path: join(place, `${name}-${width}-${colorScheme}.png`) });
    }
  await page.setViewportSize({ width: 1280, height: 900 });
}

suite("page: settings from afar", ({ test }) => {
  test(
    "what is wanted, what a device has and why it refuses; changed for it and for its group, and what is wrong is said at its place",
    async (scope) => {
      const url = await startMuster(scope);
      const client = createClient({ url, login: `admin:${password}` });
      await client.setGroups("edge-1", { groups: ["lab"] });
      const { page, complaints } = await openPage(scope);
      await page.goto(url);
      await page.getByTestId("login-name").fill("admin");
      await page.getByTestId("login-password").fill(password);
      await page.getByTestId("login-submit").click();
      await page.getByTestId("device-edge-1").waitFor();
      await page.goto(`${url}/devices/edge-1`);
      await inState(page, "none");

      await set(page, "device:edge-1", { interval: "soon", tags: "site=berlin" });
      await page.locator("#setting-interval-note", { hasText: /^interval is "soon": expected/ }).waitFor();
      assert.is(await page.getByTestId("setting-tags").getAttribute("aria-invalid"), "false");
      await shoot(page, "fault");
      await page.getByTestId("setting-interval").fill("2s");
      await page.getByTestId("settings-save").click();
      await inState(page, "in-step");
      await page.getByText("edge-1 has version 1, which is what is wanted.").waitFor();

      // The scope that the form opens with answers last: what was chosen meanwhile stays.
      const groups = page.waitForResponse((answer) => /\/api\/configurations\/group/.test(answer.url()));
      await page.route(
        (asked) => /\/api\/configurations\/device/.test(asked.pathname),
        async (route) => {
          const answer = await route.fetch();
          await groups;
          await route.fulfill({ response: answer });
        },
        { times: 1 },
      );
      const late = page.waitForResponse((answer) => /\/api\/configurations\/device/.test(answer.url()));
      await page.getByTestId("settings-edit").click();
      await page.getByTestId("settings-scope").selectOption("group:lab");
      await late;
      assert.is(await page.getByTestId("settings-scope").inputValue(), "group:lab");
      await page.getByRole("button", { name: "Leave", exact: true }).click();
      await set(page, "group:lab", { "batch-size": "2", interval: "9s" });
      await page.getByTestId("settings-wanted").getByText("group lab").waitFor();
      await inState(page, "in-step");
      const wanted = (await page.getByTestId("settings-wanted").innerText()).replaceAll(/\s+/g, " ");
      assert.match(wanted, /batch-size 2 group lab/);
      assert.match(wanted, /interval 2s this device/);
      await page.getByTestId("settings-ask").click();
      const held = page.getByTestId("settings-held");
      await held.waitFor();
      assert.match((await held.innerText()).replaceAll(/\s+/g, " "), /interval 2s the console/);
      await shoot(page, "held");

      await set(page, "device:edge-1", { "metrics-directory": "/srv/elsewhere" });
      await inState(page, "refused");
      const why = await page.getByTestId("settings-why").innerText();
      assert.ok(why.includes("/srv/elsewhere") && why.includes("muster config edge-1 apply"), why);
      await shoot(page, "refused");
      await page.getByTestId("settings-apply").click();
      await page.locator('[data-key="configure"]').nth(3).waitFor();

      // The console's own, while it runs.
      await page.goto(`${url}/settings`);
      const budget = page.getByTestId("console-setting-series-budget");
      await budget.fill("none");
      await budget.press("Enter");
      await page.locator("#console-setting-series-budget-note", { hasText: "expected a whole number" }).waitFor();
      // As the setting is shown, and not as the code has it.
      await page.locator("#console-setting-series-budget-note", { hasText: "series-budget is" }).waitFor();
      await budget.fill("7");
      await page.getByTestId("console-setting-series-budget-save").click();
      await page.getByText(/set by admin/).waitFor();
      assert.is((await client.getSeries()).budget, 7);
      await page.getByTestId("settings-at-start").getByText("cut off who is connected").first().waitFor();
      await shootAll(page, "console-settings");
      const [entry] = (await client.listAudit({ what: "console-setting", limit: 1 })).entries;
      assert.equal([entry?.who, entry?.on, entry?.detail["value"]], ["admin", "series-budget", "7"]);
      assert.match(
        await consoleSettings(client, ["get", "series-budget"], {}),
        /^series-budget is 7 \(muster settings, set by admin over 1000\)/,
      );
      await page.getByTestId("console-setting-series-budget-reset").click();
      await page.getByTestId("console-setting-series-budget-reset").waitFor({ state: "detached" });
      assert.is((await client.getSeries()).budget, 1_000);
      assert.match(await consoleSettings(client, ["list"], { all: true }), /CHANGES +WHY\n[^]*http-port .*cut off/);
      const refusal = await consoleSettings(client, ["set", "http-port", "80"], {}).catch((error: unknown) => error);
      assert.match((refusal as Error).message, /http-port does not change while Muster runs: .*cut off/);
      await page.goto(`${url}/devices/edge-1`);

      // Of two that change at the same time the second is told.
      await page.getByTestId("settings-edit").click();
      await page.getByTestId("setting-interval").fill("3s");
      await client.setConfiguration("device:edge-1", { settings: {} });
      await page.getByTestId("settings-save").click();
      await page.getByTestId("settings-refused").getByText("somebody has changed them meanwhile").waitFor();
      assert.equal(
        complaints.filter((one) => !/40[09]/.test(one)),
        [],
      );
    },
    { seconds: 180 },
  );
});
