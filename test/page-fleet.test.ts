/// <reference lib="dom" />
import type { Page } from "playwright-core";
import * as assert from "uvu/assert";
import { parseDeviceId } from "#shared/ids";
import { drawnWhole } from "../web/fleet/window-rows.ts";
import { maxPaletteEntries } from "../web/shell/palette-size.ts";
import { openPage } from "./browser.ts";
import { startFleet, type Fleet } from "./fleet.ts";
import { servePage } from "./page-server.ts";
import { eventually, suite, type Scope } from "./suite.ts";

/** Devices on the page; `bench/` measures ten thousand. */
const count = Number(process.env["MUSTER_FLEET"] ?? 1_000);
const shots = process.env["MUSTER_SHOT"];
const name = (at: number): string => `dev-${String(at).padStart(5, "0")}`;

/** Devices as agents would have introduced them, with a few values. */
function people(fleet: Fleet): { readonly tick: (from: number, to: number) => void } {
  const { registry, jobs } = fleet.console;
  let round = 0;
  const tick = (from: number, to: number): void => {
    round += 1;
    for (let at = from; at < to; at++) {
      const device = parseDeviceId(name(at));
      const one = (measurement: string, tags: Record<string, string>, field: string, value: number) => ({
        device,
        measurement,
        tags,
        times: [Date.now()],
        fields: { [field]: [value] },
      });
      registry.seen(device);
      registry.observe(device, [
        one("cpu", { cpu: "cpu-total" }, "usage_idle", (at * 7 + 5 * round) % 100),
        one("mem", {}, "used_percent", (at * 13) % 100),
        one("disk", { path: "/" }, "used_percent", (at * 3) % 100),
        one("system", {}, "load1", (at % 40) / 10),
      ]);
    }
  };
  for (let at = 0; at < count; at++)
    registry.presence(parseDeviceId(name(at)), {
      v: 1,
      online: true,
      ts: Date.now(),
      boot: `b${at}`,
      session: "s",
      instance: name(at),
      agent: at % 3 === 0 ? "0.2.0" : "0.3.0",
      interval: 10_000,
      facts: { os: "linux", model: at % 2 === 0 ? "Pi 4" : "Pi 5", place: ["Berlin", "Hamburg", "Köln"][at % 3] ?? "" },
      commands: { ping: {}, report: {} },
    });
  tick(0, count);
  for (let at = 0; at < 8; at++) jobs.groups.set(parseDeviceId(name(at)), ["lab"]);
  for (let at = 0; at < count; at += 50)
    registry.presence(parseDeviceId(name(at)), {
      v: 1,
      online: false,
      boot: `b${at}`,
      session: "s",
      reason: "gone",
    } as never);
  return { tick };
}

async function opened(scope: Scope, options: Parameters<typeof openPage>[1] = {}) {
  const fleet = await startFleet(scope, "embedded");
  fleet.state.accounts.set("boss", "admin", "correct horse");
  const { tick } = people(fleet);
  const url = await servePage(scope, fleet);
  const { page, complaints } = await openPage(scope, options);
  await page.goto(url);
  await page.getByTestId("login-name").fill("boss");
  await page.getByTestId("login-password").fill("correct horse");
  await page.getByTestId("login-submit").click();
  await page.getByTestId(`device-${name(1)}`).waitFor();
  return { fleet, tick, url, page, complaints };
}

const shot = async (page: Page, what: string): Promise<void> => {
  if (shots !== undefined) await page.screenshot({ path: `${shots}${what}.png` });
};

suite("page: a large fleet", ({ test }) => {
  test(
    "is filtered with completion, grouped, sorted, selected and acted on, by the keyboard alone",
    async (scope) => {
      const { page, complaints, fleet } = await opened(scope);
      const rows = page.locator("[data-testid=fleet-table] tbody tr.device");
      const listed = (expected: number): Promise<unknown> =>
        eventually(`${expected} rows`, async () => (await rows.count()) === expected);
      assert.ok(count > drawnWhole && (await rows.count()) < 100, "only what is in sight is drawn");
      assert.is(await page.getByTestId("count-all").innerText(), `all ${count}`.replace("all", "All"));
      await shot(page, "fleet");

      await page.keyboard.press("/");
      await page.keyboard.type("gro");
      await page.getByTestId("fleet-filter-offered").getByText("group").waitFor();
      await shot(page, "completion");
      await page.keyboard.press("Tab");
      await page.keyboard.type("=l");
      await page.getByTestId("fleet-filter-offered").getByText("lab").waitFor();
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("Enter");
      assert.is(await page.getByTestId("fleet-filter").inputValue(), "group=lab");
      await listed(8);
      // In one, as when it is pasted: the words on the way to it would choose nothing.
      await page.getByTestId("fleet-filter").fill("group=lab version<");
      await page
        .getByTestId("fleet-filter-problem")
        .getByText(/character 19: expected a value/)
        .waitFor();
      await page.locator("[data-testid=fleet-table].stale").waitFor();
      assert.ok(await page.getByTestId("send-filtered").isDisabled(), "what is listed is not what is asked for");
      await shot(page, "refused");
      await page.keyboard.type("0.3 so=x");
      await page
        .getByTestId("fleet-filter-problem")
        .getByText(/No device tells “so” \(character 23\)/)
        .waitFor();
      for (let at = 0; at < 5; at++) await page.keyboard.press("Backspace");
      await listed(3);
      assert.match(page.url(), /where=group%3Dlab\+version%3C0\.3/);

      await page.keyboard.press("Escape");
      await page.keyboard.press("Escape");
      for (const key of ["j", "j", "x", "k", "x"]) await page.keyboard.press(key);
      await page.getByTestId("selection").getByText("2 devices selected").waitFor();
      const all = page.getByTestId("select-all");
      const looks = (): Promise<unknown> => all.evaluate((box: HTMLInputElement) => [box.checked, box.indeterminate]);
      assert.equal(await looks(), [false, true]);
      await shot(page, "selected");
      await page.keyboard.press("?");
      await page.getByTestId("keys-help").waitFor();
      await page.keyboard.press("Escape");
      await page.getByTestId("send-selected").click();
      assert.is(await page.getByTestId("job-devices").inputValue(), `${name(3)}, ${name(0)}`);
      await page.goBack();
      await listed(3);
      await page.getByTestId("send-filtered").waitFor();

      await page.goto(new URL("/?group=model&sort=-mem.used_percent&columns=place", page.url()).href);
      await page
        .getByTestId("group-Pi 4")
        .getByText(/devices: /)
        .waitFor();
      await page.getByTestId("group-Pi 4").getByRole("button").click();
      await page.getByTestId("group-Pi 5").waitFor();
      assert.is(await rows.first().locator(".own").innerText(), "Köln");
      await shot(page, "grouped");
      await page.keyboard.press("Control+k");
      await page.getByTestId("palette-words").fill(name(count - 1));
      await shot(page, "palette");
      const found = page.getByTestId("palette").getByRole("option");
      await page.getByTestId("palette-words").fill("dev-");
      await eventually("as many as are offered", async () => (await found.count()) === maxPaletteEntries);
      await page.getByTestId("palette-words").fill("dev-0001");
      await eventually("fewer, all of them", async () => (await found.count()) === 10);
      await page.getByTestId("palette-words").fill("no such thing");
      await page.getByTestId("palette").getByText("Nothing fits").waitFor();
      await page.keyboard.press("Escape");
      await page.getByTestId("palette").waitFor({ state: "detached" });
      await page.keyboard.press("Control+k");
      await page.getByTestId("palette-words").fill("send ping");
      await page.getByTestId("palette").getByRole("option", { name: "Send ping" }).waitFor();
      await page.getByTestId("palette-words").fill("lab");
      await page
        .getByTestId("palette")
        .getByRole("option", { name: name(7) })
        .waitFor();
      await page.getByTestId("palette-words").fill(name(count - 1));
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: name(count - 1) }).waitFor();

      // A row changes where it stands, without anything being fetched anew.
      await page.goto(new URL(`/?where=${name(1)}`, page.url()).href);
      await page.locator(`[data-testid=presence-${name(1)}][data-state=online]`).waitFor();
      fleet.console.registry.observeProblem(parseDeviceId(name(1)), "fields", "look at this one");
      await page
        .getByTestId(`device-${name(1)}`)
        .getByText("look at this one")
        .waitFor();
      fleet.console.registry.remove(parseDeviceId(name(1)));
      await page.getByText("No device fits this filter.").waitFor();
      assert.equal(complaints, []);
    },
    { seconds: 90 },
  );

  test(
    "is a mosaic and a wall, has views that are kept, and is asked",
    async (scope) => {
      const { page, complaints } = await opened(scope, { dark: true });
      await page.getByTestId("fleet-table").waitFor();
      await page.keyboard.press("w");
      await page.locator("html.wall").getByTestId("mosaic-legend").getByText("The larger, the more CPU").waitFor();
      await page.keyboard.press("Escape");
      await page.locator("html:not(.wall)").getByTestId("fleet-table").waitFor();
      await page.keyboard.press("m");
      await page.getByRole("img", { name: new RegExp(`^${count} devices: \\d+ online, \\d+ offline$`) }).waitFor();
      await shot(page, "mosaic-dark");
      await page.keyboard.press("w");
      await page.locator("html.wall").waitFor();
      assert.is(await page.locator(".topbar").isVisible(), false);
      await shot(page, "wall-dark");
      await page.keyboard.press("Escape");
      await page.locator("html:not(.wall)").getByTestId("mosaic").waitFor();
      await page.keyboard.press("m");

      await page.getByTestId("fleet-view").click();
      await page.getByTestId("view-group").selectOption("place");
      await page.getByTestId("view-columns").fill("version, mem.used_percent");
      await page.getByTestId("view-columns-show").click();
      await page.getByTestId("view-name").fill("By place");
      await page.getByTestId("view-save").click();
      // The console has it by then: it is there in another browser as well.
      await page.getByTestId("saved-By place").waitFor();
      await shot(page, "view-dark");
      await page.goto(new URL("/", page.url()).href);
      await page.getByTestId("fleet-view").click();
      await page.getByTestId("saved-By place").waitFor();
      await page.getByTestId("view-save").click();
      assert.ok(
        await page.getByTestId("view-name").evaluate((field: HTMLInputElement) => field.matches(":invalid:focus")),
      );
      await page.getByTestId("view-chip-By place").click();
      await page.getByTestId("group-Berlin").waitFor();
      assert.match(page.url(), /group=place&columns=version%2Cmem\.used_percent/);

      await page.goto(new URL("/?where=group%3Dlab", page.url()).href);
      await page.getByTestId("fleet-ask").click();
      await page.getByTestId("ask-columns").fill("mem.used_percent, version");
      await page.getByTestId("ask-show").click();
      await page
        .getByTestId(`cell-${name(1)}-mem.used_percent`)
        .getByText("13 %")
        .waitFor();
      const csv = page.waitForEvent("download");
      await page.getByTestId("ask-csv").click();
      assert.is((await csv).suggestedFilename(), "fleet.csv");
      // None of them is there to answer.
      await page.getByTestId("ask-fresh").click();
      await page.getByTestId("ask-silent").getByText("8 devices did not answer:").waitFor();
      await shot(page, "ask-dark");
      await page.setViewportSize({ width: 390, height: 844 });
      assert.is(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false);
      await shot(page, "phone-dark");
      assert.equal(complaints, []);
    },
    { seconds: 90 },
  );

  test(
    "is drawn where it is in sight: what changes elsewhere touches no row",
    async (scope) => {
      const { page, tick } = await opened(scope);
      const drawn = await page.locator("[data-testid=fleet-table] tbody tr").count();
      await page.evaluate(() => {
        const touched = { rows: 0, texts: 0 };
        Object.assign(window, { touched });
        const body = document.querySelector("[data-testid=fleet-table] tbody");
        if (!body) throw new Error("there is no list");
        new MutationObserver((told) => {
          for (const { type } of told) touched[type === "childList" ? "rows" : "texts"] += 1;
        }).observe(body, { subtree: true, childList: true, characterData: true, attributes: true });
      });
      const touched = (): Promise<{ rows: number; texts: number }> =>
        page.evaluate(() => (window as unknown as { touched: { rows: number; texts: number } }).touched);
      const shown = (): Promise<string> => page.getByTestId(`device-${name(1)}`).innerText();
      const before = await shown();
      // Everything that is out of sight comes first, with the last that is in it.
      tick(drawn, count);
      tick(1, 2);
      await eventually("another value", async () => (await shown()) !== before);
      const { rows, texts } = await touched();
      assert.is(rows, 0, "no row is made anew");
      // A bundle or three, and the clock: of each row its gauges, bars and when it was seen.
      assert.ok(texts <= 10 * drawn, `${texts} changes in ${drawn} rows`);
    },
    { seconds: 60 },
  );
});
