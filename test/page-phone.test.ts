/// <reference lib="dom" />
import * as assert from "uvu/assert";
import { openPage } from "./browser.ts";
import { startFleet } from "./fleet.ts";
import { servePage } from "./page-server.ts";
import { suite } from "./suite.ts";

/** Where tables with many columns are. */
const places = ["/sessions", "/people", "/tokens", "/damage", "/devices/rpi-7"];
const shots = process.env["MUSTER_SHOT"];

suite("page: on a phone", ({ test }) => {
  test(
    "no table is cut off to the right, and each cell says what it is",
    async (scope) => {
      const fleet = await startFleet(scope, "embedded");
      await fleet.agent("rpi-7", { interval: 200 });
      await fleet.sees("rpi-7", true);
      const why = "it did not read: expected a name of up to 63 letters, digits, dots and dashes, got something else";
      fleet.state.damage.note("accounts", "somebody-with-a-long-name", why);
      fleet.state.accounts.set("boss", "admin", "correct horse");
      fleet.state.accounts.set("bob", "operator", "correct horse", ["lab", "field", "a-longer-group"]);
      fleet.state.accounts.tokens.issue({ account: "boss", kind: "token", ttl: 60_000, name: "nightly" });
      const url = await servePage(scope, fleet);
      const { page, complaints } = await openPage(scope);
      await page.goto(url);
      await page.getByTestId("login-name").fill("boss");
      await page.getByTestId("login-password").fill("correct horse");
      await page.getByTestId("login-submit").click();
      await page.getByTestId("device-rpi-7").waitFor();
      for (const place of places) {
        await page.goto(url + place);
        await page.locator(".matrix tbody tr").first().waitFor();
        for (const scheme of shots === undefined ? [] : (["light", "dark"] as const)) {
          await page.emulateMedia({ colorScheme: scheme });
          for (const width of [390, 1_280]) {
            await page.setViewportSize({ width, height: 900 });
            const name = `${place.replaceAll("/", "-")}-${width}-${scheme}.png`;
            await page.screenshot({ path: `${shots}${name}`, fullPage: true });
          }
        }
        await page.setViewportSize({ width: 390, height: 844 });
        assert.equal(await page.evaluate(tooWide), [], place);
        await page.locator('.matrix td[data-label]:not([data-label=""])').first().waitFor();
      }
      assert.equal(complaints, []);
    },
    { seconds: 90 },
  );
});

/** What is wider than the phone, or can be scrolled to the side. */
function tooWide(): string[] {
  const wide = [...document.querySelectorAll("html, .scroll, .matrix")].filter(
    ({ scrollWidth, clientWidth }) => scrollWidth > Math.min(clientWidth, innerWidth),
  );
  return wide.map(({ className, tagName, scrollWidth }) => `${tagName}.${className} ${scrollWidth}`);
}
