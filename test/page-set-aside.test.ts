import * as assert from "uvu/assert";
import { systemClock } from "#shared/clock";
import { servePage } from "./page-server.ts";
import { openPage } from "./browser.ts";
import { startFleet } from "./fleet.ts";
import { startInflux } from "./influx.ts";
import { openPublisher } from "./publisher.ts";
import { eventually, suite } from "./suite.ts";

suite("page: what is not stored", ({ test }) => {
  test(
    "a device's page lists what is set aside with what to do, forgets it, and the banner tells of an outage",
    async (scope) => {
      const influx = await startInflux(scope);
      let shift = 0;
      const fleet = await startFleet(scope, "embedded", {
        influxUrl: `${influx.url}/muster`,
        seriesBudget: 1,
        clock: { ...systemClock, now: () => Date.now() + shift },
      });
      const { console } = fleet;
      const url = await servePage(scope, fleet);
      const publish = await openPublisher(scope, fleet, "rpi-8");
      const send = (text: string): Promise<void> => publish("muster/rpi-8/metrics/room", Buffer.from(text));
      for (const text of ['{"t":1}', '{"t":"warm"}', '{"tags":{"id":"a"},"values":{"t":2}}']) await send(text);
      await eventually("both set aside", () => console.contract.setAside === 2);

      const { page, complaints } = await openPage(scope);
      await page.goto(url);
      await page.getByTestId("login-name").fill("ann");
      await page.getByTestId("login-password").fill(fleet.secretOf("ann"));
      await page.getByTestId("login-submit").click();
      await page
        .getByTestId("set-aside-line")
        .getByText(/^1 field not stored, 1 device with too many series →/)
        .waitFor();
      await page.getByTestId("device-rpi-8").getByRole("link").first().click();
      const section = page.getByTestId("set-aside");
      await section.getByText("muster field room.t --type string").waitFor();
      assert.match(await section.locator("tbody tr").innerText(), /rpi-8\s+room\.t\s+string\s+float\s+"warm"\s+1/);
      assert.is(await page.getByText("warm", { exact: true }).count(), 0, "what is set aside is no latest value");
      assert.match(await page.getByTestId("over-budget").innerText(), /rpi-8 has more than the 1 series .* tag id/);
      await page
        .getByText(/room\.t is float because this device sent it first, and by now also sends string/)
        .first()
        .waitFor();
      if (process.env["MUSTER_SHOT"]) await page.screenshot({ path: process.env["MUSTER_SHOT"], fullPage: true });
      await page.getByTestId("settle-t-string").click();
      await page
        .getByTestId("settled")
        .getByText(/InfluxDB holds room\.t as float/)
        .waitFor();
      await page.getByTestId("settle-t-float").click();
      await page
        .getByTestId("settled")
        .getByText("room.t is float from now on: of what was held 0 values are stored, 1 was let go")
        .waitFor();
      assert.equal(console.contract.held.fields(), []);
      await send('{"t":"warm"}');
      await eventually("set aside for good", () => console.contract.quarantine.list().length === 1);
      await page.reload();
      await page.getByTestId("forget-set-aside").click();
      await section.locator("table").waitFor({ state: "detached" });
      assert.equal(console.contract.quarantine.list(), []);

      await influx.stop("SIGKILL");
      await send('{"t":3}');
      const banner = page.getByTestId("banner-store");
      await banner.waitFor();
      await page.getByText(/1 message of other senders .* waits on the console's disk/).waitFor();
      assert.match(
        await banner.innerText(),
        /takes no samples since \d\d:\d\d:\d\d: InfluxDB at .* does not answer: .*Agents keep/,
      );
      await influx.start();
      await banner.waitFor({ state: "detached" });

      shift = 8 * 86_400_000;
      assert.is(console.clockVerdict.state, "ahead");
      const doubt = page.getByTestId("banner-clock");
      await doubt.waitFor();
      assert.match(
        await doubt.innerText(),
        /^\s*The console's clock says .* 8 d later than .*: nothing is deleted by age/,
      );
      if (process.env["MUSTER_SHOT_CLOCK"]) await page.screenshot({ path: process.env["MUSTER_SHOT_CLOCK"] });
      shift = -86_400_000;
      assert.is(console.clockVerdict.state, "behind");
      await banner.getByText(/1 d before what has been already .*: nothing is taken/).waitFor();
      shift = 0;
      assert.is(console.clockVerdict.state, "trusted");
      for (const one of [banner, doubt]) await one.waitFor({ state: "detached" });
      // Chromium's own word for what InfluxDB would not have.
      assert.equal(
        complaints.filter((one) => !one.includes("409")),
        [],
      );
    },
    { seconds: 60 },
  );
});
