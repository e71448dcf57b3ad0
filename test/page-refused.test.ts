import { readFile } from "node:fs/promises";
import * as assert from "uvu/assert";
import { createClient, type Client } from "#api/client";
import { refusedPayload } from "../cli/refused-payload.ts";
import { refusedTable } from "../cli/refused-table.ts";
import { servePage } from "./page-server.ts";
import { openPage, shoot } from "./browser.ts";
import { startFleet } from "./fleet.ts";
import { runProgram } from "./programs.ts";
import { eventually, suite } from "./suite.ts";

suite("page: what was refused", ({ test }) => {
  test(
    "a device's page and the fleet's list what was refused, where, why and what would work, as it happens; the command line does as well",
    async (scope) => {
      const fleet = await startFleet(scope, "embedded");
      const { console } = fleet;
      const url = await servePage(scope, fleet);
      const send = (topic: string, text: string): Promise<unknown> =>
        runProgram("mosquitto_pub", [...fleet.login("rpi-7"), "-q", "1", "-t", topic, "-m", text]);
      await send("muster/rpi-7/metrics/room", '{"t":1}');
      await send("muster/rpi-7/metrics/room", "21.5");

      const { page, complaints } = await openPage(scope);
      await page.goto(url);
      await page.getByTestId("login-name").fill("ann");
      await page.getByTestId("login-password").fill(fleet.secretOf("ann"));
      await page.getByTestId("login-submit").click();
      await page.getByTestId("device-rpi-7").getByRole("link").first().click();
      const section = page.getByTestId("refused");
      await section.getByRole("heading", { name: "Refused", exact: true }).waitFor();
      await page.getByRole("heading", { name: "Completeness", exact: true }).waitFor();
      // Without an agent it has a chart of what it sends, and none of a machine.
      await page.getByTestId("chart-room.t").getByText("room t").waitFor();
      assert.is(await page.getByTestId("chart-cpu").count(), 0);
      await section.getByText("expected a JSON object with a name for each value").waitFor();
      await section.getByText(`mosquitto_pub -t muster/rpi-7/metrics/room -m '{"value":21.5}'`).waitFor();
      // While somebody looks: a topic of its own that is not Muster's, and a connection with another client id and a wrong secret.
      await send("tele/plug/SENSOR", "{}");
      await section.getByText("tele/plug/SENSOR", { exact: true }).waitFor();
      await section.getByText("its samples belong on muster/rpi-7/metrics/<measurement>").waitFor();
      if (process.env["MUSTER_SHOT"]) await page.screenshot({ path: process.env["MUSTER_SHOT"], fullPage: true });

      await page.goto(url);
      const [, , , port = ""] = fleet.login();
      const wrong = ["-h", "127.0.0.1", "-p", port, "-u", "garden", "-P", "secret", "-t", "a", "-m", "b"];
      assert.is((await runProgram("mosquitto_pub", wrong)).code, 4);
      const changed = [
        "-h",
        "127.0.0.1",
        "-p",
        port,
        "-u",
        "rpi-7",
        "-i",
        "rpi-7",
        "-P",
        "secret",
        "-t",
        "a",
        "-m",
        "b",
      ];
      assert.is((await runProgram("mosquitto_pub", changed)).code, 4);
      const otherId = [...fleet.login("rpi-7").slice(0, -1), "sensor", "-t", "a", "-m", "b"];
      assert.is((await runProgram("mosquitto_pub", otherId)).code, 2);
      // The fleet says how much, and where to read of it; that page has the rest.
      const line = page.getByTestId("set-aside-line");
      await line.getByText(/^5 refused → Set aside$/).waitFor();
      assert.is(await page.getByTestId("refused").count(), 0);
      if (process.env["MUSTER_SHOT"])
        await page.screenshot({ path: `${process.env["MUSTER_SHOT"]}.fleet.png`, fullPage: true });

      await line.getByRole("link").click();
      const list = page.getByTestId("refused-messages");
      await list.getByText("garden not enrolled").waitFor();
      await list.getByText('has to be its name, not "sensor" (with mosquitto_pub: -i rpi-7)').waitFor();
      const row = page.getByTestId("refused-messages").locator("tr", { hasText: "expected a JSON object" });
      await row.getByRole("button", { name: "Look" }).click();
      const payload = page.getByRole("region", { name: "The message that was refused" });
      await payload.waitFor();
      assert.is(await payload.innerText(), "21.5");
      await page.getByRole("button", { name: "Hex" }).click();
      assert.match(await payload.innerText(), /^0000 +32 31 2e 35 +21\.5$/);
      await shoot(page, "set-aside");
      const saving = page.waitForEvent("download");
      await page.getByTestId("set-aside-export").click();
      const saved = JSON.parse(await readFile(await (await saving).path(), "utf8")) as { refusals: { why: string }[] };
      assert.is(saved.refusals.length, 5);
      await page.getByTestId("set-aside-search").fill("garden");
      await page.getByTestId("refused-messages").locator("tbody tr").nth(1).waitFor({ state: "detached" });
      await page.getByTestId("set-aside-search").fill("");
      await page.getByTestId("refused-messages").locator("tbody tr").nth(4).waitFor();

      const as = (who: string): Client => createClient({ url, login: `${who}:${fleet.secretOf(who)}` });
      const printed = refusedTable((await as("ann").listRefusals()).refusals, Date.now());
      assert.match(printed, /garden \(not enrolled\) +a login from 127\.0\.0\.1 +1 +–\n {2}wrong user name/);
      assert.match(
        printed,
        /wrong user name or password for "rpi-7"; if its secret was lost .*\n {2}try: muster enroll rpi-7 --again/,
      );
      assert.match(
        printed,
        /rpi-7 +muster\/rpi-7\/metrics\/room +1 +4 B\n {2}expected a JSON .*\n {2}try: mosquitto_pub/,
      );
      assert.is((await as("vic").listRefusals({ device: "rpi-7" })).refusals.length, 4);
      const asked: unknown = await as("vic")
        .listRefusals()
        .catch((error: unknown) => (error as Error).message);
      assert.match(asked as string, /role operator/);
      assert.equal(complaints, []);
      await eventually("nothing else", () => console.refusals.list().length === 5);
      const refused = console.refusals.list().find(({ size }) => size === 4);
      const printedOne = refusedPayload(await as("ann").getRefusedPayload(String(refused?.id)));
      assert.is(printedOne, "muster/rpi-7/metrics/room: 4 bytes\n21.5");
      await row.getByRole("button", { name: "Delete" }).click();
      await eventually("one is forgotten", () => console.refusals.list().length === 4);
      await page.getByTestId("forget-refusals").click();
      await page.getByText("Nothing is set aside.").waitFor();
      assert.equal(console.refusals.list(), []);
    },
    { seconds: 60 },
  );
});
