import type { Page } from "playwright-core";
import * as assert from "uvu/assert";
import { createClient, type Client } from "#api/client";
import { openPage, shoot } from "./browser.ts";
import { startFleet } from "./fleet.ts";
import { servePage } from "./page-server.ts";
import { suite } from "./suite.ts";

suite("page: alerts", ({ test }) => {
  test(
    "what fires, with its chart and history; a rule is made, looked at on the last week, changed, copied and deleted",
    async (scope) => {
      const fleet = await startFleet(scope, "embedded");
      const admin = fleet.state.accounts.set("root", "admin");
      await fleet.agent("rpi-7");
      await fleet.agent("rpi-8");
      const url = await servePage(scope, fleet);
      const { page, complaints } = await openPage(scope);
      await page.goto(url);
      await page.getByTestId("login-name").fill("root");
      await page.getByTestId("login-password").fill(admin);
      await page.getByTestId("login-submit").click();
      const client = createClient({ url, login: `root:${admin}` });
      await seeAlerts(page, url, client);
      await editRules(page, url, client);
      // What the console refuses Chromium writes down.
      assert.equal(
        complaints.filter((one) => !one.includes("status of 400")),
        [],
      );
    },
    { seconds: 180 },
  );
});

const full = {
  name: "MemoryInUse",
  when: "mem.used_percent > 0",
  severity: "critical" as const,
  run: { key: "ping" },
};

const field = (page: Page, name: string) => page.getByTestId(`rule-${name}`);

/** What comes to fire is there by itself; somebody sees to it, has one silenced, tries its rule, and sees how it ends. */
async function seeAlerts(page: Page, url: string, client: Client): Promise<void> {
  await page.getByTestId("alerts-link").click();
  await page.getByTestId("rule-InstanceDown").waitFor();
  await client.applyAlertRules({ rules: [full] });
  const cause = page.getByTestId("cause-MemoryInUse");
  const one = cause.locator("tr", { hasText: "rpi-7" });
  const other = cause.locator("tr", { hasText: "rpi-8" });
  await one.getByText("firing").waitFor();
  await other.getByText("firing").waitFor();
  await cause.getByText("2 fire").waitFor();
  assert.match(await one.innerText(), /critical\s+rpi-7\s+[\d.]+ %\s+(now|\d+ s ago)\s+firing/);
  const firing = page.getByTestId("alerts-link").locator(".firing");
  const before = Number(await firing.innerText());
  assert.ok(before >= 2);
  await one.getByRole("button", { name: "Acknowledge MemoryInUse: rpi-7" }).press("Enter");
  await one.getByText("acknowledged").waitFor();
  await page
    .getByText(String(before - 1), { exact: true })
    .first()
    .waitFor();
  await other.getByRole("button", { name: "Silence 1h: MemoryInUse: rpi-8" }).click();
  await other.getByText("silenced").waitFor();
  await page.getByTestId("quiet").getByText("MemoryInUse · rpi-8").waitFor();
  await shoot(page, "alerts");
  await page.getByRole("link", { name: "Test MemoryInUse on the last week" }).click();
  await page.locator("#preview-device:focus").selectOption("rpi-7");
  await page.getByTestId("preview-run").click();
  await page.getByText(/It would (not have fired|have fired \d+ time)/).waitFor();
  await page.getByTestId("chart-alert").getByText("fires at 0 %").waitFor();
  assert.is(await field(page, "run-key").inputValue(), "ping");
  await page.getByRole("link", { name: "All alerts" }).click();
  await one.getByRole("link", { name: "MemoryInUse" }).click();
  const history = page.getByTestId("alert-history");
  await history.getByText("acknowledged").waitFor();
  await page.getByTestId("alert").getByText(full.when, { exact: true }).waitFor();
  await page
    .getByTestId("chart-alert")
    .getByRole("img", { name: /; fires at 0 %$/ })
    .waitFor();
  await page
    .getByTestId("alert")
    .getByText(/^mem\.used_percent is [\d.]+ %: mem\.used_percent > 0$/)
    .waitFor();
  await page.getByTestId("alert").getByText("ping: Succeeded").waitFor();
  await shoot(page, "alert");
  assert.match((await page.getByTestId("alert-chart").getAttribute("href")) ?? "", /^\/devices\/rpi-7\?from=.*&to=/);
  await page.getByTestId("language").selectOption("de");
  await history.getByText("übernommen").waitFor();
  await shoot(page, "alert-german");
  await page.getByTestId("language").selectOption("en");
  await client.removeAlertRule(full.name);
  await history.getByText("resolved").waitFor();
  await page.goto(`${url}/devices/rpi-7`);
  await page.getByTestId("chart-moment").getByText("1 alert").waitFor();
  await page.goto(`${url}/alerts`);
  await page.getByRole("region", { name: "Over lately" }).getByText("MemoryInUse: rpi-7").waitFor();
  assert.is(await cause.count(), 0);
}

/** All of it in the form: what is wrong is said at its place before anything is sent. */
async function editRules(page: Page, url: string, client: Client): Promise<void> {
  const part = (name: string) => field(page, name);
  const own = async () =>
    (await client.listAlertRules()).rules.filter(({ shipped }) => !shipped).map(({ rule }) => rule);
  await page.getByTestId("rule-new").click();
  await part("name").fill("Memory");
  await part("source").fill("mem.used_percent");
  await part("threshold").fill("1");
  await part("hold").fill("soon");
  await part("save").click();
  await page.locator("#rule-source-fault", { hasText: "for" }).waitFor();
  await part("hold").fill("");
  await part("clear").fill("2");
  await page.locator("#rule-clear-fault", { hasText: "beyond the threshold 1" }).waitFor();
  await part("clear").fill("0.5");
  await page.getByTestId("preview-device").selectOption("rpi-7");
  await page.getByTestId("preview-run").click();
  await page.getByTestId("preview").getByText("It would have fired 1 time.").waitFor();
  await page.getByTestId("chart-alert").locator(".plot").waitFor();
  await part("scope").selectOption("filter");
  await part("where").fill("groop=lab");
  await part("save").click();
  await page.locator("#rule-where-fault", { hasText: 'no device tells "groop"' }).waitFor();
  await part("scope").selectOption("device");
  await part("where").fill("rpi-7");
  await page.locator("#rule-where-fault").waitFor({ state: "detached" });
  await part("override-add").click();
  await part("group-0").fill("lab");
  await part("group-threshold-0").fill("3");
  await part("remind").fill("4h");
  await part("run-key").selectOption("set-interval");
  const seconds = page.getByTestId("arg-seconds");
  await seconds.fill("soon");
  await part("save").click();
  await page.locator("#arg-seconds-note", { hasText: "Expected a number." }).waitFor();
  await seconds.fill("5");
  await part("run-timeout").fill("2d");
  await page.locator("#rule-run-timeout-fault").waitFor();
  await part("run-timeout").fill("2m");
  await shoot(page, "rule-editor");
  await part("save").press("Enter");
  await page.getByTestId("rule-Memory").waitFor();
  const made = {
    name: "Memory",
    when: "mem.used_percent > 1",
    clear: 0.5,
    where: "id=rpi-7",
    overrides: [{ group: "lab", when: "mem.used_percent > 3" }],
    severity: "warning" as const,
    remind: "4h",
    run: { key: "set-interval", args: { seconds: 5 }, timeout: "2m" },
    enabled: true,
  };
  assert.equal(await own(), [made]);
  await page.getByTestId("rule-Memory").getByRole("link", { name: "Memory", exact: true }).click();
  await page.getByRole("link", { name: "Copy" }).click();
  await page.getByRole("heading", { name: "A new rule" }).waitFor();
  await part("name").fill("Memory");
  await part("save").click();
  await page.locator("#rule-name-fault", { hasText: "There is a rule Memory already." }).waitFor();
  await part("name").fill("Other");
  await part("enabled").uncheck();
  await part("save").click();
  await page.getByTestId("rule-Other").getByText("off", { exact: true }).waitFor();
  assert.equal(await own(), [made, { ...made, name: "Other", enabled: false }]);
  await page.goto(`${url}/alerts/rules/edit?name=Memory`);
  await part("delete").click();
  await page.getByTestId("command-confirm").click();
  await page.getByTestId("rule-Other").waitFor();
  assert.equal(
    (await own()).map(({ name }) => name),
    ["Other"],
  );
}
