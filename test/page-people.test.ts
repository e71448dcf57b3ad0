import * as assert from "uvu/assert";
import { createClient } from "#api/client";
import { service } from "../console/notifications/kinds/fixture.ts";
import type { Page } from "playwright-core";
import { openPage, shoot } from "./browser.ts";
import { startFleet } from "./fleet.ts";
import { servePage } from "./page-server.ts";
import { eventually, suite } from "./suite.ts";

/** This browser is switched on as far as it goes without its maker's push service, and shows what is pushed. */
async function pushHere(page: Page, url: string): Promise<void> {
  const here = page.getByTestId("notify-here");
  const why = (hasText: string) => page.locator('[data-testid="notify-why"]', { hasText });
  await page.context().grantPermissions(["notifications"], { origin: url });
  await page.reload();
  await here.click();
  await why("could not subscribe at its maker's push service").waitFor();
  assert.is(await here.isChecked(), false);
  await shoot(page, "browsers-refused");

  const tools = await page.context().newCDPSession(page);
  const registered = new Promise<string>((resolve) =>
    tools.on(
      "ServiceWorker.workerRegistrationUpdated",
      ({ registrations: [one] }) => one && resolve(one.registrationId),
    ),
  );
  await tools.send("ServiceWorker.enable");
  const push = async (data: object | string): Promise<void> => {
    const text = typeof data === "string" ? data : JSON.stringify(data);
    await tools.send("ServiceWorker.deliverPushMessage", { origin: url, registrationId: await registered, data: text });
  };
  const shown = (): Promise<string[]> =>
    page.evaluate(async () => {
      const all = await (await navigator.serviceWorker.ready).getNotifications();
      return all.map(({ title, body, tag, data }) => [title, body, tag, data.path].join(" | "));
    });
  const told = { title: "disk is full", body: "Device: rpi-7", tag: "a1", path: "/alerts/a1", at: 0, again: true };
  await push(told);
  await eventually("it is shown", async () => (await shown())[0] === "disk is full | Device: rpi-7 | a1 | /alerts/a1");
  await push({ ...told, title: "Resolved: disk is full", again: false });
  await eventually("its end in its place", async () => (await shown())[0]?.startsWith("Resolved") ?? false);
  await push("no JSON");
  await eventually("what does not read", async () => (await shown()).some((one) => one.startsWith("Muster | ")));
  assert.is((await shown()).length, 2);
  const [worker] = page.context().serviceWorkers();
  const opened = await worker?.evaluate(async () => {
    const it = globalThis as unknown as {
      registration: ServiceWorkerRegistration;
      clients: { openWindow: (href: string) => Promise<void> };
      NotificationEvent: new (type: string, given: object) => Event;
    };
    const [notification] = await it.registration.getNotifications({ tag: "a1" });
    return new Promise<string>((resolve) => {
      // Without a person's click no window opens.
      it.clients.openWindow = async (href) => resolve(href);
      dispatchEvent(new it.NotificationEvent("notificationclick", { notification }));
    });
  });
  assert.is(opened, `${url}/alerts/a1`);
}

suite("page: people and tokens", ({ test }) => {
  test("an administrator adds, changes and removes people; they see their groups alone, and make tokens that may no more", async (scope) => {
    const fleet = await startFleet(scope, "embedded");
    const admin = fleet.state.accounts.set("root", "admin");
    await fleet.agent("rpi-7");
    await fleet.agent("rpi-8");
    fleet.state.groups.set(fleet.console.registry.get("rpi-7")!.id, ["lab"]);
    const url = await servePage(scope, fleet);
    const { page, complaints } = await openPage(scope);
    const logIn = async (name: string, secret: string): Promise<void> => {
      await page.goto(url);
      await page.getByTestId("login-name").fill(name);
      await page.getByTestId("login-password").fill(secret);
      await page.getByTestId("login-submit").click();
      await page.getByTestId("sessions-link").click();
    };
    await logIn("root", admin);
    await page.getByRole("link", { name: "People" }).click();
    await page.getByTestId("account-root").getByText("the last administrator").waitFor();
    await page.getByTestId("person-name").fill("zoe");
    await page.getByTestId("person-groups").fill("lab, field");
    await page.getByTestId("person-save").click();
    await page.getByTestId("account-zoe").getByText("lab, field").waitFor();
    const secret = await page.getByTestId("secret").innerText();
    await page.getByTestId("change-zoe").click();
    await page.getByTestId("person-groups").fill("lab");
    await page.getByTestId("person-save").click();
    await page.getByTestId("account-zoe").getByText("lab", { exact: true }).waitFor();
    assert.equal(fleet.state.accounts.find("zoe")?.groups, ["lab"]);
    if (process.env["MUSTER_SHOT"])
      await page.screenshot({ path: `${process.env["MUSTER_SHOT"]}-people.png`, fullPage: true });
    const hook = await service(scope, () => ({ status: 200, body: "thank you" }));
    await page.goto(`${url}/notifications`);
    await pushHere(page, url);
    await page.getByTestId("channel-kind").selectOption("webhook");
    await page.getByTestId("channel-name").fill("ops");
    await page.getByTestId("channel-url").fill(`${hook.url}/hook?token=secret`);
    await page.getByTestId("channel-save").click();
    const channel = page.getByTestId("channel-ops");
    await channel.getByRole("button", { name: "Test the channel ops" }).click();
    await channel.getByText("delivered: 200: thank you").waitFor();
    hook.script.push({ status: 500, body: "broken" });
    await channel.getByRole("button", { name: "Test the channel ops" }).click();
    await page.locator('[data-testid="channel-test-ops"].refusal', { hasText: "failed: 500: broken" }).waitFor();
    await channel.locator("td.bad", { hasText: "failed" }).waitFor();
    // What is wrong with a field is said at it.
    await page.getByTestId("channel-name").fill("other");
    await page.getByTestId("channel-url").fill("nowhere");
    await page.getByTestId("channel-save").click();
    await page.locator("#channel-url-fault", { hasText: "url is not usable" }).waitFor();
    if (process.env["MUSTER_SHOT"])
      await page.screenshot({ path: `${process.env["MUSTER_SHOT"]}-notifications.png`, fullPage: true });
    assert.not.match(await page.content(), /token=secret/);
    await channel.getByRole("button", { name: "Remove the channel ops" }).click();
    await page.getByTestId("command-confirm").click();
    await channel.waitFor({ state: "detached" });
    const boss = createClient({ url, login: `root:${admin}` });
    await page.getByTestId("logout").click();
    await page.getByTestId("login-name").waitFor();

    await boss.applyAlertRules({
      rules: [{ name: "MemoryInUse", when: "mem.used_percent > 0", severity: "critical" }],
    });
    await logIn("vic", fleet.secretOf("vic"));
    await page.getByTestId("alerts-link").click();
    await page.getByTestId("cause-MemoryInUse").locator("tbody tr").nth(1).waitFor();
    assert.is(await page.getByTestId("cause-MemoryInUse").getByRole("button").count(), 0, "a viewer acts on nothing");
    await page.getByTestId("logout").click();
    await page.getByTestId("login-name").waitFor();

    await logIn("zoe", secret);
    await page.getByTestId("alerts-link").click();
    const hers = page.getByTestId("cause-MemoryInUse").locator("tbody tr");
    await hers.first().waitFor();
    assert.is(await hers.count(), 1, "of rpi-8 she hears nothing");
    assert.is(await hers.getByRole("button").count(), 2);
    assert.is(await page.getByTestId("rules").count(), 0, "rules are of all devices");
    await page.getByTestId("sessions-link").click();
    assert.is(await page.getByRole("link", { name: "People" }).count(), 0);
    await page.getByRole("link", { name: "Tokens" }).click();
    assert.equal(await page.getByTestId("token-role").locator("option").allInnerTexts(), ["viewer", "operator"]);
    await page.getByTestId("token-name").fill("reads at night");
    await page.getByTestId("token-make").click();
    const token = await page.getByTestId("secret").innerText();
    const row = page.locator("tr", { hasText: "reads at night" });
    await row.getByText("never").waitFor();
    const program = createClient({ url, login: token });
    assert.equal(
      (await program.listDevices()).devices.map(({ id }) => id),
      ["rpi-7"],
    );
    await page.reload();
    await row.getByText("127.0.0.1").waitFor();
    if (process.env["MUSTER_SHOT"])
      await page.screenshot({ path: `${process.env["MUSTER_SHOT"]}-tokens.png`, fullPage: true });
    await page.getByRole("link", { name: "Fleet", exact: true }).click();
    await page.getByTestId("device-rpi-7").waitFor();
    assert.is(await page.getByTestId("device-rpi-8").count(), 0);
    fleet.state.groups.set(fleet.console.registry.get("rpi-8")!.id, ["lab"]);
    await page.getByTestId("device-rpi-8").waitFor();
    fleet.state.groups.set(fleet.console.registry.get("rpi-8")!.id, []);
    await page.getByTestId("device-rpi-8").waitFor({ state: "detached" });
    await page.goto(`${url}/tokens`);
    await row.getByRole("button").click();
    await page.getByTestId("command-confirm").click();
    await row.waitFor({ state: "detached" });
    assert.equal(
      complaints.filter((one) => !/ERR_INCOMPLETE_CHUNKED_ENCODING|status of 400|Push API in incognito mode/.test(one)),
      [],
    );
  });
});
