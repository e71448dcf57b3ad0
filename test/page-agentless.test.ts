/// <reference lib="dom" />
import { readFileSync, writeFileSync } from "node:fs";
import type { Locator, Page } from "playwright-core";
import * as assert from "uvu/assert";
import { parseDeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import type { Console } from "../console/console.ts";
import type { State } from "../console/state/state.ts";
import { HttpServer } from "../console/http/server.ts";
import { openPage } from "./browser.ts";
import { startFleet, type Fleet } from "./fleet.ts";
import { askForUnitsSlowly } from "./late-answers.ts";
import { runProgram } from "./programs.ts";
import { eventually, suite, type Scope } from "./suite.ts";

const page_ = new URL("../dist/web", import.meta.url).pathname;

async function serve(scope: Scope, { console, state }: { console: Console; state: State }): Promise<string> {
  const { accounts } = state;
  const server = new HttpServer({ console, accounts, listen: "127.0.0.1", port: 0, page: page_, log: silentLog });
  const port = await server.start();
  scope.cleanup(() => server.stop());
  return `http://127.0.0.1:${port}`;
}

async function logIn(page: Page, url: string, fleet: Fleet): Promise<void> {
  await page.goto(url);
  await page.getByTestId("login-name").fill("ann");
  await page.getByTestId("login-password").fill(fleet.secretOf("ann"));
  await page.getByTestId("login-submit").click();
  // Another address before the answer would leave nobody logged in.
  await page.getByTestId("device-rpi-7").waitFor();
}

/** How many pixels of a chart have its first line's colour. */
function drawn(page: Page, chart: string): Promise<number> {
  return page
    .getByTestId(`chart-${chart}`)
    .locator("canvas")
    .evaluate((canvas: HTMLCanvasElement) => {
      const colour = getComputedStyle(document.documentElement).getPropertyValue("--line-0").trim();
      const context = canvas.getContext("2d");
      const { data } = context?.getImageData(0, 0, canvas.width, canvas.height) ?? { data: [] };
      const wanted = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
      let count = 0;
      for (let at = 0; at < data.length; at += 4) if (wanted.every((part, index) => data[at + index] === part)) count++;
      return count;
    });
}

/** The picture is a PNG that is larger than the chart: its head is above it, and around all an edge. */
async function savePicture(page: Page): Promise<void> {
  const canvas = page.getByTestId("chart-freezer.energy").locator("canvas");
  const [width, height] = await canvas.evaluate((one: HTMLCanvasElement) => [one.width, one.height]);
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Save freezer energy as PNG" }).click(),
  ]);
  assert.is(download.suggestedFilename(), "rpi-7 freezer energy.png");
  const picture = readFileSync(await download.path());
  assert.is(picture.subarray(1, 4).toString(), "PNG");
  const size = [picture.readUInt32BE(16), picture.readUInt32BE(20)];
  assert.ok(
    size[0] === (width ?? 0) + 24 && (size[1] ?? 0) >= (height ?? 0) + 24 + 3 * 18,
    `${size.join(" x ")} of a chart of ${width} x ${height}`,
  );
  if (process.env["MUSTER_PICTURE"]) writeFileSync(process.env["MUSTER_PICTURE"], picture);
}

/** With a time of which nothing is known, and with a device; the address says so, and is enough to see it again. */
async function compare(page: Page): Promise<void> {
  const energy = page.getByTestId("chart-freezer.energy");
  await page.getByTestId("before-1d").click();
  assert.match(page.url(), /&before=1d$/);
  await energy.getByText(/^Not compared: .* has no values of it /).waitFor();
  await page.getByTestId("before-1d").click();
  await page.getByTestId("compare-device").fill("rpi-7");
  await page.getByTestId("compare-device").press("Enter");
  await energy.getByText("energy, rpi-7").waitFor();
  assert.match(page.url(), /&beside=rpi-7$/);
  await page.reload();
  await energy.getByText("energy, rpi-7").waitFor();
  if (process.env["MUSTER_SHOT"]) await page.screenshot({ path: `${process.env["MUSTER_SHOT"]}.png`, fullPage: true });
  // One that is not there is told of at the field, and at no chart.
  await page.getByTestId("compare-device").fill("rpi-99");
  await page.getByTestId("compare-device").press("Enter");
  await page.getByTestId("compare-unknown").getByText("There is no device rpi-99.").waitFor();
  assert.is(await page.getByText("Not compared").count(), 0);
  await page.getByTestId("compare-device").fill("");
  await page.getByTestId("compare-device").press("Enter");
  await energy.getByText("energy, rpi-7").waitFor({ state: "detached" });
}

/** A week of a sample a minute that its device says no more, of which one stands out: a point of the chart stands for an hour, and the band around it has that one. */
async function seeSpike(page: Page, { url, fleet }: { url: string; fleet: Fleet }): Promise<void> {
  const to = Math.floor(Date.now() / 60_000) * 60_000;
  const times = Array.from({ length: 7 * 1_440 }, (_, at) => to - (7 * 1_440 - at) * 60_000);
  const heat = times.map((_, at) => (at === 4_321 ? 240 : 20 + (at % 3)));
  const device = parseDeviceId("rpi-7");
  await fleet.console.store.write([{ device, measurement: "oven", tags: {}, times, fields: { heat } }]);
  await page.goto(`${url}/devices/rpi-7?range=7d`);
  const oven = page.getByTestId("chart-oven.heat");
  await eventually("a week", async () => Number(await oven.getAttribute("data-points")) > 160);
  const name = page.getByRole("img", { name: /^oven heat: heat .* to 240$/ });
  await name.waitFor();
  if (process.env["MUSTER_SHOT"])
    await oven.screenshot({ path: `${process.env["MUSTER_SHOT"]}.week.png`, animations: "disabled" });
  // In the upper half, where no mean is.
  await eventually("a band up there", async () => (await pale(oven.locator("canvas"))) >= 20);
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Save oven heat as CSV" }).click(),
  ]);
  const rows = readFileSync(await download.path(), "utf8").split("\r\n");
  assert.is(rows[0], "time,heat,heat min,heat max");
  assert.is(rows.filter((row) => row.endsWith(",20,240")).length, 1);

  // Of a time in the past there is what was sent then: not the door, which says something now.
  await page.getByTestId("chart-door.states").waitFor();
  await page.goto(`${url}/devices/rpi-7?from=${to - 3 * 86_400_000}&to=${to - 2 * 86_400_000}`);
  await page.getByTestId("chart-door.states").waitFor({ state: "detached" });
  await eventually("a day", async () => Number(await oven.getAttribute("data-points")) > 100);
  if (process.env["MUSTER_SHOT"]) await page.screenshot({ path: `${process.env["MUSTER_SHOT"]}.past.png` });
  await page.goto(`${url}/devices/rpi-7?from=${to - 30 * 86_400_000}&to=${to - 29 * 86_400_000}`);
  await page.getByText("Nothing that it sent in this time is stored.").waitFor();
}

/** Pixels in the upper half of a chart's plot that are of its first line's colour, however pale: blue, where the grid is grey. */
function pale(canvas: Locator): Promise<number> {
  return canvas.evaluate((one: HTMLCanvasElement) => {
    const { data } = one.getContext("2d")?.getImageData(80, 0, one.width - 80, one.height / 2) ?? { data: [] };
    let count = 0;
    for (let at = 0; at < data.length; at += 4) if ((data[at + 2] ?? 0) - (data[at] ?? 0) >= 20) count++;
    return count;
  });
}

/** By button, by dragging and by address; then what is shown is saved. */
async function chooseTimes(page: Page): Promise<void> {
  const shown = (): [from: number, to: number] => {
    const query = new URL(page.url()).searchParams;
    return [Date.parse(query.get("from") ?? ""), Date.parse(query.get("to") ?? "")];
  };
  await page.getByTestId("range-5m").click();
  assert.match(page.url(), /\?range=5m$/);
  await page.getByTestId("time-farther").click();
  const [from, to] = shown();
  assert.is(to - from, 600_000);

  const plot = page.getByTestId("chart-freezer.energy").locator(".u-over");
  const box = await plot.boundingBox();
  assert.ok(box);
  await page.mouse.move(box.x + box.width / 2, box.y + 20);
  assert.match(await page.locator(".chart-moment").innerText(), /\d\d:\d\d:\d\d/);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width - 1, box.y + 20, { steps: 4 });
  await page.mouse.up();
  await page.waitForFunction(
    (before) => !location.search.includes(before),
    encodeURIComponent(new Date(from).toISOString()),
  );
  const [later, end] = shown();
  assert.ok(later > from + 200_000 && end <= to + 1_000 && end - later < 330_000, `${later - from} to ${end - from}`);

  const address = page.url();
  await page.goto(address);
  await eventually("drawn again", async () => (await drawn(page, "freezer.energy")) >= 4);
  assert.is(page.url(), address);
  assert.match(await page.getByTestId("chart-moment").innerText(), /\d\d:\d\d:\d\d to /);
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Save freezer energy as CSV" }).click(),
  ]);
  assert.is(download.suggestedFilename(), "rpi-7 freezer energy.csv");
  // The two values may be of one step.
  const csv = readFileSync(await download.path(), "utf8");
  assert.match(csv, /^time,energy(,energy min,energy max)?\r\n.*Z,\d+[\d,]*\r\n/);
  await savePicture(page);
  await compare(page);
  await page.getByTestId("range-15m").click();
  assert.match(page.url(), /\/devices\/rpi-7$/);
}

suite("page: a device without an agent", ({ test }) => {
  test(
    "its charts show what it sends, of any size and sign, and a first value alone",
    async (scope) => {
      const fleet = await startFleet(scope, "embedded");
      const url = await serve(scope, fleet);
      const send = (measurement: string, value: object): Promise<unknown> =>
        runProgram("mosquitto_pub", [
          ...fleet.login("rpi-7"),
          "-q",
          "1",
          "-t",
          `muster/rpi-7/metrics/${measurement}`,
          "-m",
          JSON.stringify(value),
        ]);
      await send("radio", { rssi: -66 });
      for (const by of [1, 2])
        await send("freezer", { temperature: -16.5 - by / 10, energy: 1_234_000 * by, flow: 0.003 * by });
      for (const [open, mode] of [
        [false, "cooling"],
        [true, "defrosting"],
        [false, "cooling"],
      ])
        await send("door", { open, mode });

      const { page, complaints } = await openPage(scope);
      await logIn(page, url, fleet);
      await page.goto(`${url}/devices/rpi-7`);
      for (const chart of ["radio.rssi", "freezer.temperature", "freezer.energy", "freezer.flow"])
        await eventually(`${chart} drawn`, async () => (await drawn(page, chart)) >= 4);
      await page
        .getByTestId("chart-freezer.flow")
        .getByText(/^0\.00[3-6]/)
        .waitFor();
      // On a busy machine it may be silent by its own quick rhythm until it says something again.
      await eventually("reporting", async () => {
        await send("radio", { rssi: -66 });
        const line = await page.getByTestId("presence-line").innerText();
        return /^Reporting, heard (now|\d+ s ago)$/.test(line);
      });
      assert.match((await page.getByTestId("presence-line").getAttribute("title")) ?? "", /counts as silent after/);
      const door = page.getByTestId("chart-door.states");
      await door.getByText("cooling").waitFor();
      assert.match(await door.innerText(), /mode\s*cooling\s*open\s*no/);
      await eventually("bands drawn", async () => (await drawn(page, "door.states")) >= 4);
      assert.is(await page.getByTestId("chart-cpu").count(), 0, "no box for what it does not measure");
      await askForUnitsSlowly(page);
      await chooseTimes(page);
      await seeSpike(page, { url, fleet });
      if (process.env["MUSTER_SHOT"])
        await page.screenshot({ path: `${process.env["MUSTER_SHOT"]}.end.png`, fullPage: true });
      assert.equal(complaints, []);
    },
    { seconds: 120 },
  );
});
