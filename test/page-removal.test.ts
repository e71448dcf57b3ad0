/// <reference lib="dom" />
import { join } from "node:path";
import * as assert from "uvu/assert";
import { systemClock } from "#shared/clock";
import { openState } from "../console/state/state.ts";
import { openPage } from "./browser.ts";
import { freePort } from "./mosquitto.ts";
import { musterProgram, runProgram, Running } from "./programs.ts";
import { suite } from "./suite.ts";

const password = "correct horse";

suite("naming and removing on the page", ({ test }) => {
  test(
    "an administrator names a device in place, and removes it and an account, each after a question; others see it at once",
    async (scope) => {
      const [httpPort, mqttPort] = [await freePort(), await freePort()];
      const directory = join(await scope.directory(), "data");
      const state = openState(directory, systemClock);
      state.accounts.set("ann", "viewer", password);
      const secret = state.accounts.set("rpi-7", "device");
      await state.accounts.synced();
      state.close();
      const env = {
        MUSTER_DATA: directory,
        MUSTER_HTTP_PORT: String(httpPort),
        MUSTER_MQTT_PORT: String(mqttPort),
        MUSTER_DEVICE: "edge-1",
        MUSTER_ADMIN_PASSWORD: password,
      };
      await new Running(scope, ...musterProgram(["start"]), { env }).line(/Muster .* is up/);
      const login = ["-h", "127.0.0.1", "-p", String(mqttPort), "-u", "rpi-7", "-i", "rpi-7", "-P", secret];
      await runProgram("mosquitto_pub", [...login, "-t", "muster/rpi-7/metrics/room", "-m", '{"temperature":21.5}']);
      const url = `http://127.0.0.1:${httpPort}`;
      const { page, complaints } = await openPage(scope);
      const { page: viewers } = await openPage(scope);
      for (const [one, name] of [
        [page, "admin"],
        [viewers, "ann"],
      ] as const) {
        await one.goto(url);
        await one.getByTestId("login-name").fill(name);
        await one.getByTestId("login-password").fill(password);
        await one.getByTestId("login-submit").click();
        await one.getByTestId("device-rpi-7").getByRole("link").first().click();
        await one.getByTestId("set-aside").or(one.getByText("Latest values")).first().waitFor();
      }
      assert.is(await viewers.getByTestId("labels-edit").count(), 0, "a viewer names nothing");
      await page.getByTestId("labels-edit").click();
      await page.getByTestId("label-name").fill("Garage <b>north</b>");
      await page.getByTestId("label-groups").fill("lab");
      await page.getByTestId("label-tags").fill("outdoor rack:3");
      await page.getByTestId("label-note").fill("key at Ann's");
      await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      for (const one of [page, viewers]) {
        await one.getByRole("heading", { name: "Garage <b>north</b>" }).waitFor();
        await one.getByTestId("labels").getByText("rack:3").waitFor();
        await one.getByTestId("labels").getByText("lab", { exact: true }).waitFor();
        assert.is(await one.getByTestId("labels-note").textContent(), "key at Ann's");
      }
      const verb = (...words: string[]) => runProgram(...musterProgram(["device", ...words]), { env });
      assert.match((await verb("rename", "rpi-7", "Shed")).out, /^rpi-7 is called Shed$/m);
      await viewers.getByRole("heading", { name: "Shed" }).waitFor();
      assert.match(
        (await verb("paint", "rpi-7", "red")).err,
        /device "paint" is not known: expected rename, note, tag/,
      );
      assert.is(await viewers.getByTestId("remove-device").count(), 0, "a viewer removes nothing");
      await page.getByTestId("retire-device").click();
      await page.getByTestId("command-confirm").click();
      for (const one of [page, viewers]) await one.getByText(/Retired since .* by admin/).waitFor();
      await viewers.goto(url);
      await viewers.getByTestId("count-retired").getByText("1").waitFor();
      assert.is(await viewers.getByTestId("device-rpi-7").count(), 0, "among the retired alone");
      await viewers.getByTestId("count-retired").click();
      await viewers.getByTestId("device-rpi-7").getByRole("link").first().click();
      assert.match((await verb("return", "rpi-7")).out, /^rpi-7 is in service again; its agent comes in as before$/m);
      await viewers.getByText("Reporting").or(viewers.getByText("Silent since")).first().waitFor();
      await page.getByTestId("replace-device").click();
      assert.match((await page.getByTestId("join-line").textContent()) ?? "", /curl/);
      await page.getByTestId("replace-told").getByText("counted as missing").waitFor();
      await page.getByTestId("remove-device").click();
      await page.getByText(/These go now: 1 account, 1 group, 1 name and note.* and the audit log stay/).waitFor();
      await page.getByText("Keep as it is").click();
      await page.getByTestId("remove-device").click();
      await page.getByTestId("command-confirm").click();
      await page.getByTestId("device-edge-1").waitFor();
      assert.is(await page.getByTestId("device-rpi-7").count(), 0);
      await viewers.getByText("No device is called “rpi-7”").waitFor();

      await page.getByTestId("sessions-link").click();
      const session = page.locator('[data-testid="sessions"] [data-account="ann"]');
      await session.waitFor();
      await page.getByRole("link", { name: "People" }).click();
      await page.getByTestId("account-admin").getByText("the last administrator").waitFor();
      await page.getByTestId("remove-ann").click();
      await page.getByTestId("command-confirm").click();
      await page.getByTestId("account-ann").waitFor({ state: "detached" });
      await page.getByRole("link", { name: "Sessions" }).click();
      await page.locator('[data-testid="sessions"] [data-account="admin"]').waitFor();
      assert.is(await session.count(), 0);
      // The page of whoever is gone asks for a login.
      await viewers.getByTestId("login-name").waitFor();
      assert.equal(complaints, []);
    },
    { seconds: 60 },
  );
});
