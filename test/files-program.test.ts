import { createHash, randomBytes } from "node:crypto";
import { chmodSync, existsSync, readdirSync, statSync } from "node:fs";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import * as assert from "uvu/assert";
import { createClient } from "#api/client";
import { maxFileBytes, maxPartBytes } from "#shared/files/file-bounds";
import { testSigner } from "#shared/signing/fixture";
import { fetchFile } from "../cli/files/fetch-file.ts";
import { putFile } from "../cli/files/put-file.ts";
import { signing } from "../cli/sign-command.ts";
import { search } from "../console/audit/search.ts";
import { serveApi } from "./api-server.ts";
import { statusOf } from "./checked-client.ts";
import { openPage, shoot } from "./browser.ts";
import { startFleet } from "./fleet.ts";
import { freePort } from "./mosquitto.ts";
import { servePage } from "./page-server.ts";
import { musterProgram, runProgram, Running } from "./programs.ts";
import { eventually, suite, type Scope } from "./suite.ts";

/** A directory to fetch from and one to put into, on a device that allows them. */
async function places(scope: Scope) {
  const root = await scope.directory();
  const [logs, app, here] = ["logs", "app", "here"].map((name) => join(root, name)) as [string, string, string];
  for (const path of [logs, app, here]) await mkdir(path);
  return { root, logs, app, here };
}

/** A file of some parts, whose second the page cannot send before it is loaded again. */
async function putByPage(page: Page, app: string): Promise<void> {
  const content = randomBytes(3 * maxPartBytes + 100);
  const sha256 = createHash("sha256").update(content).digest("hex");
  const file = { name: "app.conf", mimeType: "application/octet-stream", buffer: content };
  const begun: number[] = [];
  let isHeld = true;
  await page.route("**/api/files/*", async (route) => {
    const { at } = route.request().postDataJSON() as { at: number };
    begun.push(at);
    // Held for ever: the reload ends it.
    if (!isHeld || at === 0) await route.continue();
  });
  await page.getByTestId("put-open").click();
  await page.getByTestId("put-send").click();
  await page.getByTestId("put-refused").getByText("Choose a file.").waitFor();
  await page.getByTestId("put-file").setInputFiles(file);
  await page.getByTestId("put-path").fill(`${app}/`);
  await page.getByTestId("put-send").click();
  await page
    .getByTestId("put-step")
    .getByText(/^To the console 33 %$/)
    .waitFor();
  assert.match(await page.getByTestId("put-hash").innerText(), new RegExp(sha256));
  await shoot(page, "put-halfway");
  isHeld = false;
  await page.reload();
  begun.length = 0;
  await page.getByTestId("put-open").click();
  await page.getByTestId("put-begun").getByText("“app.conf” was begun here.").waitFor();
  assert.is(await page.getByTestId("put-path").inputValue(), `${app}/`);
  await page.getByTestId("put-file").setInputFiles(file);
  await page.getByTestId("put-send").click();
  const done = page.locator('[data-key="put"][data-state="succeeded"]');
  await done.getByText(sha256).first().waitFor();
  // The first one asks what is there; none is sent twice beside it.
  assert.equal(begun, [0, maxPartBytes, 2 * maxPartBytes, 3 * maxPartBytes]);
  assert.ok((await readFile(join(app, "app.conf"))).equals(content));
  await shoot(page, "put");
  await page.getByTestId("put-send").click();
  await done.nth(1).waitFor();
  await page.unrouteAll();
}

suite("muster fetch and muster put", ({ test }) => {
  test(
    "a kill of broker, console and agent together costs nothing but time",
    async (scope) => {
      const { root, logs, app, here } = await places(scope);
      const content = randomBytes(7_000_000);
      await writeFile(join(logs, "a.log"), content);
      const [httpPort, mqttPort] = [await freePort(), await freePort()];
      const env = {
        MUSTER_DATA: join(root, "data"),
        MUSTER_HTTP_PORT: String(httpPort),
        MUSTER_MQTT_PORT: String(mqttPort),
        MUSTER_DEVICE: "edge-1",
        MUSTER_ADMIN_PASSWORD: "correct horse",
        MUSTER_FETCH_FROM: logs,
        MUSTER_PUT_INTO: `${app},${join(root, "data")}`,
      };
      const start = async (): Promise<Running> => {
        const running = new Running(scope, ...musterProgram(["start"]), { env });
        await running.line(/Muster .* is up/);
        return running;
      };
      const muster = (...words: string[]) => runProgram(...musterProgram(words), { env, seconds: 60 });
      const first = await start();
      const client = createClient({ url: `http://127.0.0.1:${httpPort}`, login: "admin:correct horse" });
      await eventually("edge-1", async () => (await client.getDevice("edge-1").catch(() => undefined))?.online);
      const file = join(here, "a.log");
      const fetching = new Running(scope, ...musterProgram(["fetch", "edge-1", join(logs, "a.log"), file]), { env });
      const kept = join(root, "data", "files", "fetched", "edge-1");
      const coming = (): number =>
        (existsSync(kept) ? readdirSync(kept) : []).map((name) => statSync(join(kept, name)).size)[0] ?? 0;
      await eventually("some of it", () => coming() > 1_000_000);
      await first.kill("SIGKILL");
      const before = coming();
      assert.ok(before < content.length && !existsSync(file));
      await start();
      await eventually("more of it", () => coming() !== before || existsSync(file));
      assert.ok(coming() > before || existsSync(file), "it goes on");
      assert.is(await fetching.end(), 0, fetching.lines.join("\n"));
      assert.equal(await readFile(file), content);
      assert.equal(await readdir(here), ["a.log"]);
      assert.equal(await readdir(kept), [], "the console lets go of it");

      assert.match(
        (await muster("put", "edge-1", file, `${app}/`, "--dry-run")).out,
        /a\.log on edge-1 can be put: 7000000 bytes/,
      );
      const done = await muster("put", "edge-1", file, `${app}/`);
      assert.is(done.code, 0, done.err);
      assert.equal(await readFile(join(app, "a.log")), content);
      await writeFile(file, "other");
      const refused = await muster("put", "edge-1", file, `${app}/`);
      assert.equal([refused.code, /failed: .*is there already/.test(refused.err)], [1, true], refused.err);
      // What it keeps itself is out of reach, whatever somebody has allowed.
      assert.match((await muster("put", "edge-1", file, join(root, "data", "x"))).err, /agent's own/);
    },
    { seconds: 60 },
  );

  test("what is put is signed for, what a role may is kept, and what was done is written down", async (scope) => {
    const { logs, app, here } = await places(scope);
    const fleet = await startFleet(scope, "embedded", { files: { spare: 0 } });
    const { as } = await serveApi(scope, fleet);
    const signer = testSigner(1, "ann");
    const files = { fetchFrom: [logs], putInto: [app], own: [] };
    await fleet.agent("rpi-7", { files, signers: [signer.public.line], directory: await scope.directory() });
    await fleet.agent("rpi-8");
    const out: string[] = [];
    const terminal = {
      out: (text: string) => void out.push(text),
      err: (text: string) => void out.push(text),
      live: false,
    };
    const [ann, vic] = [as(`ann:${fleet.secretOf("ann")}`), as(`vic:${fleet.secretOf("vic")}`)];
    const file = join(here, "a");
    await writeFile(file, "hello");
    chmodSync(file, 0o755);
    const what = { device: "rpi-7", file, path: join(app, "a") };
    const unsigned = await putFile(ann, what, { ttl: "1m" }, terminal).catch(String);
    assert.match(String(unsigned), /takes only commands that are signed/);
    assert.is(await putFile(ann, what, { ttl: "1m" }, terminal, signing(signer)), 0, out.join("\n"));
    assert.is(await readFile(join(app, "a"), "utf8"), "hello");
    // Whoever holds the console cannot have other contents put by that signature.
    const other = signing(signer);
    const forged = await putFile(ann, what, { ttl: "1m", overwrite: true }, terminal, (order, device) => {
      const signed = other(order, device);
      return { ...signed, args: { ...signed.args, sha256: "0".repeat(64) } };
    });
    assert.is(forged, 1);
    assert.match(out.join("\n"), /rejected: .*signature/);
    assert.is(await readFile(join(app, "a"), "utf8"), "hello");

    await writeFile(join(logs, "a.log"), "secret");
    const fetched = { device: "rpi-7", path: join(logs, "a.log"), file: join(here, "a.log") };
    assert.is(await fetchFile(ann, fetched, { ttl: "1m" }, terminal, signing(signer)), 0, out.join("\n"));
    assert.is(await readFile(fetched.file, "utf8"), "secret");
    const again = await fetchFile(ann, fetched, { ttl: "1m" }, terminal, signing(signer)).catch(String);
    assert.match(String(again), /is there already: name another file, or say --overwrite/);
    for (const [device, key] of [["rpi-8", "fetch"]] as const) {
      const none = await fetchFile(ann, { ...fetched, device, file: join(here, "n") }, { ttl: "1m" }, terminal).catch(
        String,
      );
      assert.match(
        String(none),
        new RegExp(`rpi-8 offers no ${key}: its own settings allow no directory .* or its agent .* is from before`),
      );
    }
    const { commands } = await ann.listCommands({ device: "rpi-7" });
    const id = commands.find(({ key, state }) => key === "fetch" && state === "succeeded")?.id ?? "";
    for (const asked of [
      vic.getFile(id),
      vic.getFilePart(id, { at: 0 }),
      vic.forgetFile(id),
      vic.addFilePart("0".repeat(64), { size: 1, at: 0, data: "" }),
    ])
      assert.is(await statusOf(asked), 403);
    const entries = [...search(fleet.state.database, { what: "file" })].flatMap((entry) => entry ?? []);
    assert.equal(
      [...new Set(entries.map(({ who, what: word }) => `${who} ${word}`))],
      ["ann file.forgotten", "ann file.taken", "ann file.given"],
    );
  });

  test("the page fetches a file by the command's form and hands it on, and puts one, also after a reload", async (scope) => {
    const { logs, app } = await places(scope);
    await writeFile(join(logs, "a.log"), "hello");
    const fleet = await startFleet(scope, "embedded", { files: { spare: 0 } });
    await fleet.agent("rpi-7", { files: { fetchFrom: [logs], putInto: [app], own: [] } });
    const url = await servePage(scope, fleet);
    const order = { key: "fetch", args: { path: join(logs, "a.log") } };
    const { id } = await fleet.console.send("rpi-7", order, { ttl: "1m", timeout: "50s" });
    // Half a character, which the device reads as the sign for it, is in no header.
    await writeFile(join(logs, "b\ufffd"), "odd");
    const half = { key: "fetch", args: { path: join(logs, "b\ud800") } };
    const odd = await fleet.console.send("rpi-7", half, { ttl: "1m", timeout: "50s" });
    const authorization = `Basic ${Buffer.from(`ann:${fleet.secretOf("ann")}`).toString("base64")}`;
    const answer = await fetch(new URL(`/api/commands/${odd.id}/file`, url), { headers: { authorization } });
    assert.equal([answer.status, await answer.text()], [200, "odd"]);
    const { page, complaints } = await openPage(scope);
    await page.goto(url);
    await page.getByTestId("login-name").fill("ann");
    await page.getByTestId("login-password").fill(fleet.secretOf("ann"));
    await page.getByTestId("login-submit").click();
    await page.getByTestId("device-rpi-7").getByRole("link").first().click();
    await page.getByTestId(`command-${id}`).locator(".command-toggle").click();
    const link = page.getByTestId("fetched-file");
    assert.is(await link.textContent(), "Download a.log");
    const [download] = await Promise.all([page.waitForEvent("download"), link.click()]);
    assert.is(download.suggestedFilename(), "a.log");
    assert.is(await readFile(await download.path(), "utf8"), "hello");
    await putByPage(page, app);
    const given = [...search(fleet.state.database, { what: "file.given" })].flatMap((entry) => entry ?? []);
    assert.equal(
      given.map(({ who }) => who),
      ["ann"],
    );
    assert.equal(complaints, []);

    // Who may only watch has no form for it.
    await page.getByTestId("logout").click();
    await page.getByTestId("login-name").fill("vic");
    await page.getByTestId("login-password").fill(fleet.secretOf("vic"));
    await page.getByTestId("login-submit").click();
    await page.getByText("may watch but not send commands").waitFor();
    assert.is(await page.getByTestId("put-open").count(), 0);
  });

  test("the console's door takes parts of a size, and files of a size", async (scope) => {
    const fleet = await startFleet(scope, "embedded", { files: { spare: 0 } });
    const { as } = await serveApi(scope, fleet);
    const ann = as(`ann:${fleet.secretOf("ann")}`);
    const sha256 = "0".repeat(64);
    const data = (bytes: number): string => Buffer.alloc(bytes).toString("base64");
    const part = (size: number, bytes: number) => ann.addFilePart(sha256, { size, at: 0, data: data(bytes) });
    assert.is((await part(maxFileBytes, maxPartBytes)).have, maxPartBytes);
    assert.is(await statusOf(part(maxFileBytes + 1, 1)), 400);
    assert.is(await statusOf(part(maxFileBytes, maxPartBytes + 3)), 400);
    assert.is(await statusOf(part(maxFileBytes, 2 * maxPartBytes)), 413);
  });
});
