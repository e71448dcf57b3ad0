/// <reference lib="dom" />
import * as assert from "uvu/assert";
import { testSigner } from "#shared/signing/fixture";
import { newCommandId } from "#shared/ids";
import { openPage } from "./browser.ts";
import { startFleet } from "./fleet.ts";
import { servePage } from "./page-server.ts";
import { eventually, suite } from "./suite.ts";

const ann = testSigner(1, "ann");

suite("page: signed commands", ({ test }) => {
  test(
    "a browser makes a key that it does not give away, shows the line to pin, and signs with it from then on",
    async (scope) => {
      const fleet = await startFleet(scope, "embedded");
      await fleet.agent("rpi-7", { directory: await scope.directory(), signers: [ann.public.line] });
      const url = await servePage(scope, fleet);
      const { page, complaints } = await openPage(scope);
      await page.goto(url);
      await page.getByTestId("login-name").fill("ann");
      await page.getByTestId("login-password").fill(fleet.secretOf("ann"));
      await page.getByTestId("login-submit").click();
      await page.getByTestId("device-rpi-7").getByRole("link").first().click();
      await page.getByTestId("signing-make").click();
      const line = (await page.getByTestId("signing-line").textContent()) ?? "";
      assert.match(line, /^ed25519:[\w-]{43} browser$/);
      if (process.env["MUSTER_SHOT"]) await page.screenshot({ path: process.env["MUSTER_SHOT"], fullPage: true });

      const order = {
        id: newCommandId(Date.now()),
        key: "set-signers",
        args: { keys: [ann.public.line, line.trim()] },
      };
      const ts = Date.now();
      const signature = ann.command({ ...order, device: "rpi-7", ts, expires: ts + 600_000 });
      await fleet.console.send("rpi-7", { ...order, signature });
      await page.getByTestId("signing-ready").waitFor();
      await page.getByTestId("command-key").selectOption("set-interval");
      await page.getByLabel("Seconds between samples").fill("2.5");
      await page.getByTestId("command-send").click();
      await page.locator('[data-key="set-interval"][data-state="succeeded"]').waitFor();
      const [sent] = fleet.console.desk.list({ device: "rpi-7" });
      assert.is(sent?.key, "set-interval");
      assert.match((await page.getByTestId("signing-ready").textContent()) ?? "", sent?.signature?.key ?? "none");

      // It is there after a reload, and no script gets its private half.
      await page.reload();
      await page.getByTestId("signing-ready").waitFor();
      assert.equal(await page.evaluate(takeKey), ["private: InvalidAccessError", "pkcs8: InvalidAccessError"]);
      await eventually("the interval", () => fleet.console.registry.get("rpi-7")?.interval === 2_500);

      // One signature for all devices of a job.
      await page.goto(`${url}/jobs`);
      await page.getByTestId("job-signing").waitFor();
      await page.getByTestId("job-key").selectOption("set-interval");
      await page.getByTestId("job-args").fill('{"seconds": 3}');
      await page.getByTestId("job-send").click();
      await page.getByRole("heading", { name: "Sign set-interval for 1 device?" }).waitFor();
      if (process.env["MUSTER_SHOT"]) await page.screenshot({ path: `${process.env["MUSTER_SHOT"]}.job.png` });
      await page.getByTestId("command-confirm").click();
      await eventually("the interval by a job", () => fleet.console.registry.get("rpi-7")?.interval === 3_000);
      const [job] = fleet.console.jobs.list(1);
      assert.is(job?.signature?.key, sent?.signature?.key);
      assert.equal(job?.target, { devices: ["rpi-7"] });
      assert.equal(complaints, []);
    },
    { seconds: 90 },
  );
});

/** What a script of the page gets of the key. */
async function takeKey(): Promise<string[]> {
  const opening = indexedDB.open("muster-signing");
  await new Promise((resolve) => opening.addEventListener("success", resolve));
  const reading = opening.result.transaction("keys").objectStore("keys").get("own");
  await new Promise((resolve) => reading.addEventListener("success", resolve));
  const { privateKey } = reading.result as CryptoKeyPair;
  const attempts = (["jwk", "pkcs8"] as const).map((format) =>
    crypto.subtle.exportKey(format, privateKey).then(
      () => `${format}: it is out`,
      (error: DOMException) => `${format === "jwk" ? "private" : format}: ${error.name}`,
    ),
  );
  return Promise.all(attempts);
}
