/// <reference lib="dom" />
import * as assert from "uvu/assert";
import { joinFingerprint } from "#shared/join-fingerprint";
import { generateSecret, hashSecret, rounds } from "#shared/password";
import { serveApi } from "./api-server.ts";
import { openPage } from "./browser.ts";
import { startFleet } from "./fleet.ts";
import { suite } from "./suite.ts";

const password = "correct horse";
const page = new URL("../dist/web", import.meta.url).pathname;
const join = { agent: "dist/muster-agent.cjs" };

suite("adding a device on the page", ({ test }) => {
  test(
    "an operator makes a code, sees its line and picture this once, and takes it back; a viewer makes none",
    async (scope) => {
      const fleet = await startFleet(scope, "embedded");
      fleet.state.accounts.set("bob", "operator", password);
      fleet.state.accounts.set("eve", "viewer", password);
      const { url, as } = await serveApi(scope, fleet, { page, join });
      const { page: tab, complaints } = await openPage(scope);
      const enter = async (name: string): Promise<void> => {
        await tab.goto(url);
        await tab.getByTestId("login-name").fill(name);
        await tab.getByTestId("login-password").fill(password);
        await tab.getByTestId("login-submit").click();
        await tab.getByTestId("fleet-filter").waitFor();
      };
      await enter("bob");
      await tab.getByTestId("add-device-button").click();
      await tab.getByTestId("add-name").fill("rpi-7");
      await tab.getByTestId("add-submit").click();
      await tab.getByText("rpi-7 is enrolled already").waitFor();
      await tab.getByTestId("add-name").fill("cam-1");
      await tab.getByTestId("add-certificate").check();
      await tab.getByTestId("add-submit").click();
      await tab.getByText("devices are given certificates for Muster's own broker where").waitFor();
      await tab.getByTestId("add-certificate").uncheck();
      await tab.getByTestId("add-name").fill("cam-{hostname}");
      await tab.getByTestId("add-groups").fill("lab, roof");
      await tab.getByTestId("add-uses").fill("50");
      await tab.getByTestId("add-submit").click();
      const line = (await tab.getByTestId("join-line").textContent()) ?? "";
      assert.match(line, new RegExp(`curl -fsS ${url}/join .* sh "\\$f" ${url}$`));
      await tab.getByRole("img", { name: "The line as a QR code" }).waitFor();
      const [code] = fleet.console.enrollments.list();
      assert.equal([code?.name, code?.groups, code?.uses, code?.by], ["cam-{hostname}", ["lab", "roof"], 50, "bob"]);
      const shot = process.env["MUSTER_SHOT"];
      if (shot !== undefined) await tab.screenshot({ path: shot, fullPage: true });
      await tab.setViewportSize({ width: 390, height: 844 });
      const widest = await tab.getByTestId("add-device").evaluate((card) => [card.scrollWidth, card.clientWidth]);
      assert.is(widest[0], widest[1], "nothing runs out of the card on a phone");
      assert.is(await tab.evaluate(() => document.documentElement.scrollWidth), 390);
      if (shot !== undefined) await tab.screenshot({ path: `${shot}.phone.png`, fullPage: true });
      await tab.getByRole("button", { name: `Revoke ${code?.id}` }).click();
      await tab.getByTestId("open-codes").waitFor({ state: "detached" });
      assert.is(fleet.console.enrollments.list()[0]?.revoked, true);
      const hash = hashSecret(generateSecret(), rounds.generated);
      await as().askToJoin({ machine: "m".repeat(22), hash, hostname: "<b>pi</b>" });
      const request = tab.getByTestId("join-requests").locator("form");
      await request.getByText(joinFingerprint(hash, null)).waitFor();
      await request.getByText("127.0.0.1: <b>pi</b>").waitFor();
      if (shot !== undefined) await tab.screenshot({ path: `${shot}.2.png`, fullPage: true });
      await request.getByRole("textbox").fill("asked-1");
      await request.getByRole("button", { name: "Let in" }).click();
      await request.waitFor({ state: "detached" });
      assert.is(fleet.state.accounts.find("asked-1")?.hash, hash);
      await tab.getByTestId("logout").click();
      await tab.getByTestId("login-name").waitFor();
      await enter("eve");
      assert.is(await tab.getByTestId("add-device-button").count(), 0);
      // The name that was taken; and the stream that ends with its session.
      assert.equal(
        complaints.filter((one) => !/409 |ERR_INCOMPLETE_CHUNKED/.test(one)),
        [],
      );
    },
    { seconds: 60 },
  );
});
