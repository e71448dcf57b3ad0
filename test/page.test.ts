/// <reference lib="dom" />
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import * as assert from "uvu/assert";
import { openPage } from "./browser.ts";
import { freePort } from "./mosquitto.ts";
import { musterProgram, Running } from "./programs.ts";
import { suite, type Scope } from "./suite.ts";

const password = "correct horse";

/** Says something and how far it is, then takes its time. */
const slow = `#!/bin/sh
if [ "$1" = --describe ]; then
  echo '{"title":"Take a while","args":{"type":"object","properties":{"word":{"type":"string"}}}}'; exit
fi
echo "copying the first part"
for line in $(seq 1 100); do echo "line $line of 100, which are more than are seen at once"; done
echo "A needle, and one NEEDLE more"
echo '{"progress":0.5,"note":"half way there"}'
sleep 3
echo '{"copied":2}'
`;

async function startMuster(scope: Scope, more: Readonly<Record<string, string>> = {}): Promise<string> {
  const [httpPort, mqttPort] = [await freePort(), await freePort()];
  const env = {
    MUSTER_DATA: join(await scope.directory(), "data"),
    MUSTER_HTTP_PORT: String(httpPort),
    MUSTER_MQTT_PORT: String(mqttPort),
    MUSTER_DEVICE: "edge-1",
    MUSTER_ADMIN_PASSWORD: password,
    ...more,
  };
  await new Running(scope, ...musterProgram(["start"]), { env }).line(/Muster .* is up/);
  return `http://127.0.0.1:${httpPort}`;
}

async function logIn(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.getByTestId("login-name").fill("admin");
  await page.getByTestId("login-password").fill(password);
  await page.getByTestId("login-submit").click();
  await page.getByTestId("device-edge-1").waitFor();
}

const shot = async (page: Page, name: string): Promise<unknown> =>
  process.env["MUSTER_SHOT"] && page.screenshot({ path: `${process.env["MUSTER_SHOT"]}-${name}.png`, fullPage: true });

/** In the output of the command that was sent from here: its end is in view; what is looked for is counted and stepped through. */
async function readOutput(page: Page): Promise<void> {
  const output = page.locator(".block", { has: page.getByRole("heading", { name: "Output" }) });
  const text = output.locator("pre");
  await text.getByText("copying the first part").waitFor();
  const scrolled = (): Promise<number> => text.evaluate((pre) => pre.scrollHeight - pre.clientHeight - pre.scrollTop);
  assert.ok((await scrolled()) < 2, "its end is in view");
  const find = output.getByTestId("block-find");
  const found = output.getByTestId("block-found");
  await find.fill("needle");
  await found.getByText("1 of 2", { exact: true }).waitFor();
  await find.press("Enter");
  await found.getByText("2 of 2", { exact: true }).waitFor();
  assert.is(await output.locator("mark[aria-current]").innerText(), "NEEDLE");
  await find.press("Enter");
  await find.press("Shift+Enter");
  await found.getByText("2 of 2", { exact: true }).waitFor();
  await find.fill("the first part");
  await found.getByText("1 of 1", { exact: true }).waitFor();
  // It is the first line: the text has moved there.
  await page.waitForFunction(() => (document.querySelector(".block mark")?.parentElement?.scrollTop ?? 99) < 20);
  await shot(page, "output");
  await find.fill("no such word");
  await found.getByText("nothing").waitFor();
  const [saved] = await Promise.all([page.waitForEvent("download"), output.getByTestId("block-save").click()]);
  assert.match(saved.suggestedFilename(), /^edge-1 exec.slow .*\.txt$/);
  assert.match(readFileSync(await saved.path(), "utf8"), /^copying the first part\nline 1 of[^]* NEEDLE more\n$/);
  await output.getByTestId("block-copy").click();
  await output.getByText(/^(Copied|Selected)$/).waitFor();
}

/** The form is filled and nothing is sent; what is sent then is another command. */
async function sendAgain(page: Page): Promise<void> {
  await page.getByTestId("arg-word").fill("twice");
  await page.getByTestId("command-ttl").fill("90m");
  await page.getByTestId("command-send").click();
  const rows = page.locator('[data-key="exec:slow"][data-state="succeeded"]');
  await rows.nth(1).waitFor();
  await page.getByTestId("command-key").selectOption("ping");
  await rows.first().getByRole("button", { name: "Send again: exec:slow" }).click();
  await page.waitForFunction(() => document.querySelector<HTMLInputElement>("#arg-word")?.value === "twice");
  assert.is(await page.getByTestId("command-key").inputValue(), "exec:slow");
  assert.is(await page.getByTestId("command-ttl").inputValue(), "1h30m");
  await page.waitForFunction(() => document.activeElement?.getAttribute("data-testid") === "command-send");
  assert.is(await page.locator('[data-key="exec:slow"]').count(), 2, "nothing was sent");
  await page.keyboard.press("Enter");
  await rows.nth(2).waitFor();
  const ids = await rows.evaluateAll((all) => all.map((row) => row.getAttribute("data-testid")));
  assert.is(new Set(ids).size, 3);
}

/** Kept at the console: they are there after a reload, in the form, the palette and the fleet's selection. */
async function useFavourites(page: Page, url: string): Promise<void> {
  await page.evaluate(() => localStorage.setItem("muster-views-admin", '[{"name":"Mine","query":"?state=online"}]'));
  await page.getByTestId("keep-command").click();
  assert.is(await page.getByTestId("keep-name").inputValue(), "exec:slow twice");
  await page.getByTestId("keep-name").fill("a nap");
  await page.getByTestId("keep-name").press("Enter");
  await page.getByTestId("favourite-a nap").waitFor();
  await page.reload();
  await page.getByTestId("favourite-a nap").click();
  await page.waitForFunction(() => document.querySelector<HTMLInputElement>("#arg-word")?.value === "twice");
  await shot(page, "favourites");
  await page.getByTestId("command-key").selectOption("ping");
  await page.keyboard.press("Control+k");
  await page.getByTestId("palette-words").fill("a nap");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelector<HTMLInputElement>("#arg-word")?.value === "twice");
  await page.goto(url);
  // What an earlier version kept in the browser has gone to the console.
  await page.getByTestId("view-chip-Mine").waitFor();
  await page.waitForFunction(() => localStorage.getItem("muster-views-admin") === null);
  await page.getByTestId("select-edge-1").click();
  await page.getByTestId("send-favourite").selectOption("a nap");
  await page.waitForFunction(() => document.querySelector<HTMLTextAreaElement>("#job-args")?.value.includes("twice"));
  assert.equal(
    [await page.getByTestId("job-devices").inputValue(), await page.getByTestId("job-key").inputValue()],
    ["edge-1", "exec:slow"],
  );
  await shot(page, "job");
  await page.getByRole("button", { name: "Forget the favourite a nap" }).click();
  await page.getByTestId("favourite-a nap").waitFor({ state: "detached" });
}

suite("page", ({ test }) => {
  test(
    "progress and output of a command are on the page while it runs",
    async (scope) => {
      const directory = join(await scope.directory(), "handlers");
      mkdirSync(directory);
      writeFileSync(join(directory, "slow"), slow, { mode: 0o755 });
      const url = await startMuster(scope, { MUSTER_EXEC_DIRECTORY: directory });
      const { page, complaints } = await openPage(scope);
      await logIn(page, url);
      await page.goto(`${url}/devices/edge-1`);
      await page.getByTestId("command-key").selectOption("exec:slow");
      await page.getByTestId("command-send").click();
      const running = page.locator('[data-key="exec:slow"][data-state="running"]');
      await running.getByText("half way there", { exact: true }).waitFor();
      await running.getByText("copying the first part").waitFor();
      await page.locator('[data-key="exec:slow"][data-state="succeeded"]').waitFor();
      await readOutput(page);
      await sendAgain(page);
      await useFavourites(page, url);
      assert.equal(complaints, []);
    },
    { seconds: 60 },
  );

  test(
    "log in, see the live chart move, send ping and see its reply, shut the agent down and see it go offline",
    async (scope) => {
      const url = await startMuster(scope);
      const { page, complaints } = await openPage(scope, { zone: "Asia/Tokyo" });
      await page.goto(url);
      await page.getByTestId("login-name").fill("admin");
      await page.getByTestId("login-password").fill("wrong");
      await page.getByTestId("login-submit").click();
      await page.getByText(/name or password is wrong/i).waitFor();
      await logIn(page, url);

      await page.getByTestId("device-edge-1").getByRole("link").first().click();
      for (const chart of ["cpu", "mem", "disk", "net"]) await page.getByTestId(`chart-${chart}`).waitFor();
      const moment = async (): Promise<number> => Number(await page.getByTestId("chart-mem").getAttribute("data-last"));
      await page.waitForFunction(
        () => Number(document.querySelector('[data-testid="chart-mem"]')?.getAttribute("data-last")) > 0,
      );
      const before = await moment();
      await page.waitForFunction(
        (last) => Number(document.querySelector('[data-testid="chart-mem"]')?.getAttribute("data-last")) > last + 1_500,
        before,
      );
      assert.ok((await moment()) > before);

      await page.getByTestId("command-key").selectOption("ping");
      await page.getByTestId("command-send").click();
      await page.locator('[data-key="ping"][data-state="succeeded"]').waitFor();
      assert.match(await page.locator('[data-key="ping"]').innerText(), /pong/);

      // From five answers on it is known how long they take, and shown beside the timeout.
      for (let turn = 2; turn <= 6; turn++) {
        await page.getByTestId("command-send").click();
        await page
          .locator('[data-key="ping"][data-state="succeeded"]')
          .nth(turn - 1)
          .waitFor();
      }
      await page
        .getByTestId("chart-moment")
        .getByText(/^Marked: \d commands$/)
        .waitFor();
      await page.locator("#command-timeout-note", { hasText: /usually .* p99/ }).waitFor();

      await page.getByTestId("command-key").selectOption("set-interval");
      await page.getByTestId("arg-seconds").fill("2");
      await page.getByTestId("command-send").click();
      await page.locator('[data-key="set-interval"][data-state="succeeded"]').waitFor();

      await page.getByTestId("command-key").selectOption("shutdown");
      await page.getByTestId("command-send").click();
      await page.getByTestId("command-confirm").click();
      await page.locator('[data-key="shutdown"][data-state="succeeded"]').waitFor();
      await page.locator('[data-testid="presence-edge-1"][data-online="false"]').waitFor();
      assert.match(await page.getByTestId("presence-edge-1").innerText(), /offline/i);

      // The console's sentence names moments in UTC; here they are the reader's, and exact on hover.
      await page.getByTestId("command-key").selectOption("ping");
      await page.getByTestId("command-ttl").fill("1h");
      await page.getByTestId("command-send").click();
      const waiting = page.locator('[data-key="ping"][data-state="queued"] .command-outcome');
      await waiting.getByText(/waiting for edge-1, offline since \d\d:\d\d:\d\d .*expires /).waitFor();
      const titles = await waiting
        .locator("time")
        .evaluateAll((all) => all.map((one) => one.getAttribute("title") ?? ""));
      assert.is(titles.length, 2);
      for (const title of titles) assert.match(title, /\d{4}, \d\d:\d\d:\d\d\.\d{3} GMT\+9$/);
      assert.not.match(await waiting.innerText(), /UTC|\dZ/);
      assert.equal(complaints, []);
    },
    { seconds: 60 },
  );

  test(
    "on a phone's width and in the dark, nothing sticks out and charts are there",
    async (scope) => {
      const url = await startMuster(scope);
      const { page, complaints } = await openPage(scope, { width: 360, height: 740, dark: true });
      await logIn(page, url);
      const overflow = (): Promise<number> =>
        page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      assert.is((await overflow()) <= 0, true);
      await page.getByTestId("device-edge-1").getByRole("link").first().click();
      await page.waitForFunction(
        () => Number(document.querySelector('[data-testid="chart-cpu"]')?.getAttribute("data-points")) > 1,
      );
      assert.is((await overflow()) <= 0, true);
      const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      const [red = 255] = /\d+/.exec(background)?.map(Number) ?? [];
      assert.ok(red < 80, background);
      assert.equal(complaints, []);
    },
    { seconds: 60 },
  );

  test(
    "a session that has ended leads back to the login, and a path of the page can be opened directly",
    async (scope) => {
      const url = await startMuster(scope);
      const { page } = await openPage(scope);
      await logIn(page, url);
      await page.goto(`${url}/devices/edge-1`);
      await page.getByTestId("chart-cpu").waitFor();
      await page.getByTestId("sessions-link").click();
      const others = page.locator('[data-account="admin"][data-current="false"]', { hasText: "another browser" });
      await page.locator('[data-account="admin"][data-current="true"]', { hasText: "this page" }).waitFor();
      const elsewhere = await fetch(`${url}/api/session`, {
        method: "POST",
        headers: { "content-type": "application/json", "user-agent": "another browser" },
        body: JSON.stringify({ name: "admin", password }),
      });
      const cookie = elsewhere.headers.get("set-cookie")?.split(";")[0] ?? "";
      const session = (): Promise<Response> => fetch(`${url}/api/session`, { headers: { cookie } });
      assert.is((await session()).status, 200);
      await page.reload();
      await others.getByRole("button").click();
      await others.waitFor({ state: "detached" });
      assert.is((await session()).status, 401);
      await page.getByRole("link", { name: "Tokens" }).click();
      const program = page.locator("tr", { hasText: "this machine's command line" });
      await program.getByRole("button").click();
      await page.getByText("Keep as it is").click();
      assert.is(await program.count(), 1);
      await program.getByRole("button").click();
      await page.getByTestId("command-confirm").click();
      await program.waitFor({ state: "detached" });
      await page.getByTestId("logout").click();
      await page.getByTestId("login-name").waitFor();
      await page.getByTestId("login-name").waitFor();
    },
    { seconds: 60 },
  );
});
