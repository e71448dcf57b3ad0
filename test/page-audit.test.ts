import { readFile } from "node:fs/promises";
import * as assert from "uvu/assert";
import { openPage } from "./browser.ts";
import { startFleet } from "./fleet.ts";
import { servePage } from "./page-server.ts";
import { suite } from "./suite.ts";

suite("page: audit", ({ test }) => {
  test("an administrator reads who did what, page by page, finds entries, sees whether the log is whole, and exports it", async (scope) => {
    const fleet = await startFleet(scope, "embedded");
    const { accounts, audit } = fleet.state;
    const secrets = { root: accounts.set("root", "admin"), olga: accounts.set("olga", "operator") };
    const nasty = `<img src=x onerror="document.title='owned'">`;
    audit.record({ who: "rpi-7", from: "mqtt", what: "device.enrolled", on: "rpi-7", detail: { says: nasty } });
    for (let n = 0; n < 60; n += 1) audit.record({ who: "olga", from: "192.0.2.7", what: "test.done", on: `d${n}` });
    const first = audit.head()!.n - 60;
    const url = await servePage(scope, fleet);
    const { page, complaints } = await openPage(scope);
    const logIn = async (name: keyof typeof secrets): Promise<void> => {
      await page.goto(`${url}/audit`);
      await page.getByTestId("login-name").fill(name);
      await page.getByTestId("login-password").fill(secrets[name]);
      await page.getByTestId("login-submit").click();
    };
    await logIn("root");
    await page.getByTestId("audit-verdict").getByText("The log is whole").waitFor();
    const { n, hash } = audit.head()!;
    assert.is(await page.getByTestId("audit-head").innerText(), `${n}:${hash}`);
    const rows = page.getByTestId("audit").locator("tbody tr");
    const numbers = async (): Promise<number[]> => (await rows.locator("th").allInnerTexts()).map(Number);
    await page.getByTestId(`audit-${n}`).getByText("login.ok").waitFor();
    assert.is(await rows.count(), 50);
    if (process.env["MUSTER_SHOT"]) await page.screenshot({ path: `${process.env["MUSTER_SHOT"]}-audit.png` });
    await page.getByTestId("audit-older").click();
    await page.getByTestId(`audit-${first}`).getByText(JSON.stringify(nasty)).waitFor();
    const all = await numbers();
    assert.equal(
      all,
      Array.from({ length: all.length }, (_, at) => n - at),
    );

    const search = async (typed: Record<string, string>): Promise<void> => {
      for (const part of ["text", "who", "what", "device", "since", "until"])
        await page.getByTestId(`audit-by-${part}`).fill(typed[part] ?? "");
      await page.getByTestId("audit-search").click();
    };
    await search({ text: "D59" });
    await page.getByTestId(`audit-${first}`).waitFor({ state: "detached" });
    assert.equal(await numbers(), [first + 60]);
    await search({ device: "rpi-7", what: "device", since: "1h" });
    await page.getByTestId(`audit-${first}`).waitFor();
    assert.equal(await numbers(), [first]);
    await search({ who: "olga", until: "2001-01-01" });
    await page.getByText("Nothing in the log fits.").waitFor();
    await search({ since: "yesterday" });
    await page.getByText('since is "yesterday"').waitFor();

    const coming = page.waitForEvent("download");
    await page.getByTestId("audit-export").click();
    const lines = (await readFile(await (await coming).path(), "utf8")).trim().split("\n");
    assert.ok(lines.some((line) => (JSON.parse(line) as { hash: string }).hash === hash));

    fleet.state.database.exec(`UPDATE audit SET who = 'eve' WHERE n = ${first}`);
    await page.reload();
    await page
      .getByTestId("audit-verdict")
      .getByText(new RegExp(`entry ${first} was changed`))
      .waitFor();
    await page.getByTestId("logout").click();
    await page.getByTestId("login-name").waitFor();
    await logIn("olga");
    await page.getByText("Who did what is for administrators").waitFor();
    assert.is(await page.getByRole("link", { name: "Audit" }).count(), 0);
    assert.is(await page.title().then((title) => title.includes("owned")), false);
    assert.equal(
      complaints.filter((one) => !one.includes("ERR_INCOMPLETE_CHUNKED_ENCODING")),
      [],
    );
  });
});
