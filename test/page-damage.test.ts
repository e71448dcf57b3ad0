import * as assert from "uvu/assert";
import { servePage } from "./page-server.ts";
import { openPage } from "./browser.ts";
import { startFleet } from "./fleet.ts";
import { suite } from "./suite.ts";

suite("page: damage", ({ test }) => {
  test("a banner tells of damage and leads to what was set aside, which an administrator can forget", async (scope) => {
    const fleet = await startFleet(scope, "embedded");
    const { console, state } = fleet;
    const admin = state.accounts.set("root", "admin");
    const url = await servePage(scope, fleet);
    console.damage.note("commands", "rpi-7 0mjtq", "the row is not valid: ts: <b>expected</b> number", "{}");
    console.damage.note(
      "metrics.db",
      "metrics.db.damaged-2026-11-27T06-00-00-000Z",
      "it is damaged: page 7; nothing was taken over",
    );

    const { page, complaints } = await openPage(scope);
    const logIn = async (name: string, secret: string): Promise<void> => {
      await page.goto(url);
      await page.getByTestId("login-name").fill(name);
      await page.getByTestId("login-password").fill(secret);
      await page.getByTestId("login-submit").click();
    };
    await logIn("ann", fleet.secretOf("ann"));
    const banner = page.getByTestId("banner-damage");
    assert.match(await banner.innerText(), /2 things in the console's data directory were damaged, gone or put back\./);
    await banner.getByRole("link", { name: "What was set aside" }).click();
    const rows = page.getByTestId("damage").locator("tbody tr");
    await rows.first().waitFor();
    assert.is(await rows.count(), 2);
    assert.match(await rows.nth(0).innerText(), /metrics\.db\s+metrics\.db\.damaged-.*Z\s+it is damaged: page 7/);
    assert.match(
      await rows.nth(1).innerText(),
      /commands\s+rpi-7 0mjtq\s+the row is not valid: ts: <b>expected<\/b> number/,
    );
    assert.is(await page.getByTestId("forget-damage").count(), 0, "an operator may not");
    if (process.env["MUSTER_SHOT"]) await page.screenshot({ path: process.env["MUSTER_SHOT"], fullPage: true });
    await page.getByTestId("logout").click();
    await logIn("root", admin);
    await banner.getByRole("link").click();
    await page.getByTestId("forget-damage").click();
    await page.getByText("Nothing is damaged.").waitFor();
    assert.is(await banner.count(), 0);
    assert.is(console.damage.count(), 0);
    // Logging out ends the stream of events.
    assert.equal(
      complaints.filter((one) => !one.includes("ERR_INCOMPLETE_CHUNKED_ENCODING")),
      [],
    );
  });
});
