/// <reference lib="dom" />
import * as assert from "uvu/assert";
import { put } from "../agent/commands/exec/fixture.ts";
import { serveApi } from "./api-server.ts";
import { openPage } from "./browser.ts";
import { startFleet } from "./fleet.ts";
import { startInflux } from "./influx.ts";
import { eventually, suite } from "./suite.ts";

const page_ = new URL("../dist/web", import.meta.url).pathname;

const described = {
  room: {
    title: "Living room",
    description: "Upstairs, by the window",
    fields: {
      inside: { title: "Inside", unit: "°C", min: -10, max: 40 },
      outside: { title: "Outside", unit: "°C" },
      rain: { title: "Rain", unit: "mm", counter: true },
    },
  },
};

suite("what a collector says of itself", ({ test }) => {
  test(
    "comes to the console, is kept, and is on the page with InfluxDB as the store; a person's word comes before it",
    async (scope) => {
      const directory = await scope.directory();
      await put(
        directory,
        "room",
        `#!/bin/sh\nif [ "$1" = --describe ]; then\ncat <<'END'\n${JSON.stringify({ measurements: described })}\nEND\nexit\nfi\necho 'room inside=21.5,outside=4,rain=7,door=3'\n`,
      );
      const { url: influxUrl } = await startInflux(scope);
      const fleet = await startFleet(scope, "embedded", { influxUrl: `${influxUrl}/muster` });
      const { url, as } = await serveApi(scope, fleet, { page: page_ });
      const client = as(`ann:${fleet.secretOf("ann")}`);
      const agent = await fleet.agent("rpi-7", { metricsDirectory: directory, interval: 1_000 });
      const known = async () => (await client.getDevice("rpi-7")).measurements ?? {};
      await eventually("its word", async () => (await known())["room"] !== undefined);
      assert.equal(await known(), described);

      const { page, complaints } = await openPage(scope, process.env["MUSTER_PHONE"] ? { width: 390 } : {});
      await page.goto(url);
      await page.getByTestId("login-name").fill("ann");
      await page.getByTestId("login-password").fill(fleet.secretOf("ann"));
      await page.getByTestId("login-submit").click();
      await page.getByTestId("device-rpi-7").waitFor();
      await page.goto(`${url}/devices/rpi-7`);
      const chart = page.getByTestId("chart-room.°C");
      await chart.getByRole("heading", { name: "Living room, °C" }).waitFor();
      await chart.getByText("Upstairs, by the window").waitFor();
      await chart.getByText(/^21\.5 °C$/).waitFor();
      await page.getByTestId("chart-room.rain").getByRole("heading", { name: "Living room: Rain" }).waitFor();
      await page.locator(".values").getByRole("heading", { name: "Living room" }).waitFor();

      await page.getByRole("button", { name: "Units of Living room: Rain" }).click();
      await page.getByTestId("unit-rain").fill("in");
      await page.getByTestId("unit-title-rain").fill("Rainfall");
      if (process.env["MUSTER_SHOT"]) await page.screenshot({ path: `${process.env["MUSTER_SHOT"]}/units-dialog.png` });
      await page.getByTestId("units-save").click();
      await page.getByTestId("chart-room.rain").getByRole("heading", { name: "Living room: Rainfall" }).waitFor();
      assert.equal((await known())["room"]?.fields["rain"], {
        unit: "in",
        title: "Rainfall",
        counter: true,
        by: "ann",
      });
      await client.setUnit({ scope: "default", measurement: "room", field: "outside", unit: "°F" });
      await page.reload();
      await page
        .getByTestId("chart-room.outside")
        .getByText(/^4\.00 °F$|^4 °F$/)
        .waitFor();
      if (process.env["MUSTER_SHOT"])
        await page.screenshot({ path: `${process.env["MUSTER_SHOT"]}/units.png`, fullPage: true });

      await agent.stop();
      await fleet.sees("rpi-7", false);
      await fleet.console.stop();
      await fleet.console.start();
      assert.equal(fleet.console.registry.get("rpi-7")?.measurements, described, "kept with the device");
      assert.equal(complaints, []);
    },
    { seconds: 120 },
  );
});
