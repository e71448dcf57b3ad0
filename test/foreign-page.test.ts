/// <reference lib="dom" />
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import * as assert from "uvu/assert";
import { serveApi } from "./api-server.ts";
import { openPage } from "./browser.ts";
import { startFleet } from "./fleet.ts";
import { suite, type Scope } from "./suite.ts";

// What a foreign page sends is the point: all of it is fetched in the browser, by its rules, and not by the client.

/** A site of somebody else's; what it serves does everything that a page can do to another origin. */
async function foreignSite(scope: Scope): Promise<string> {
  const server: Server = createServer((_, response) => {
    response.writeHead(200, { "content-type": "text/html" });
    response.end("<!doctype html><title>A harmless page</title><body>");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  scope.cleanup(() => new Promise((resolve) => server.close(resolve)));
  server.unref();
  return `:${(server.address() as AddressInfo).port}/`;
}

suite("a foreign page in a real browser", ({ test }) => {
  test(
    "a page on another port or site neither acts nor reads, though the browser is logged in",
    async (scope) => {
      const fleet = await startFleet(scope, "embedded");
      const { accounts } = fleet.state;
      accounts.set("ann", "admin", "correct horse");
      const { url: own, port } = await serveApi(scope, fleet);
      const agent = await fleet.agent();
      const foreign = await foreignSite(scope);
      const { page } = await openPage(scope);
      // tsx names functions with this, also in what the browser is given.
      await page.addInitScript("globalThis.__name = (named) => named");

      // The browser is logged in by the cookie, and with a name and password in the address, which it keeps for this host.
      await page.goto(`http://ann:correct%20horse@127.0.0.1:${port}/api/devices`);
      const status = await page.evaluate(async (url) => {
        const body = JSON.stringify({ name: "ann", password: "correct horse" });
        const headers = { "content-type": "application/json" };
        return (await fetch(`${url}/api/session`, { method: "POST", headers, body, credentials: "include" })).status;
      }, own);
      assert.is(status, 200);
      assert.is(await page.evaluate(async (url) => (await fetch(`${url}/api/devices`)).status, own), 200);
      const shutdown = `${own}/api/collector/rpi-7/shutdown`;
      const job = `${own}/api/devices/rpi-7/commands`;

      // Another port of 127.0.0.1 is the same site, and its pages may ask the broker for a connection: which then wants a login.
      for (const host of ["127.0.0.1", "evil.localhost"]) {
        await page.goto(`http://${host}${foreign}`);
        const seen = await page.evaluate(
          async ({ shutdown, job, own, mqttPort }) => {
            const credentials = "include" as const;
            const told: string[] = [];
            const attempt = async (what: string, act: () => Promise<unknown>): Promise<void> => {
              told.push(`${what}: ${String(await act().catch(() => "refused"))}`);
            };
            await attempt(
              "no-cors",
              async () => (await fetch(shutdown, { method: "POST", mode: "no-cors", credentials })).type,
            );
            await attempt("cors", () => fetch(shutdown, { method: "POST", credentials }));
            await attempt("read", () => fetch(`${own}/api/devices`, { credentials }));
            await attempt("json as text", async () => {
              const body = JSON.stringify({ key: "shutdown" });
              return (await fetch(job, { method: "POST", mode: "no-cors", credentials, body })).type;
            });
            await attempt("beacon", async () => navigator.sendBeacon(shutdown));
            await attempt(
              "events",
              () =>
                new Promise((resolve, reject) => {
                  const source = new EventSource(`${own}/api/events`, { withCredentials: true });
                  source.addEventListener("open", () => resolve("open"));
                  source.addEventListener("error", () => (source.close(), reject(new Error("closed"))));
                }),
            );
            await attempt(
              "websocket",
              () =>
                new Promise((resolve, reject) => {
                  const socket = new WebSocket(`ws://127.0.0.1:${mqttPort}/mqtt`, "mqtt");
                  socket.addEventListener("open", () => resolve("open"));
                  socket.addEventListener("error", () => reject(new Error("closed")));
                }),
            );
            return told;
          },
          { shutdown, job, own, mqttPort: fleet.port },
        );
        // What a page is not told may have been done all the same: that is looked at below.
        const websocket = host === "127.0.0.1" ? /open|refused/ : /refused/;
        assert.match(seen.pop() ?? "", websocket);
        assert.equal(seen, [
          "no-cors: refused",
          "cors: refused",
          "read: refused",
          "json as text: refused",
          "beacon: true",
          "events: refused",
        ]);
        const answered = page.waitForNavigation();
        await page.evaluate((action) => {
          const form = document.createElement("form");
          Object.assign(form, { method: "post", action, enctype: "text/plain" });
          document.body.append(form);
          form.submit();
        }, shutdown);
        await answered;
        assert.match(await page.locator("body").innerText(), /comes from another page than Muster's own|Unsupported/);
      }
      assert.equal(fleet.console.desk.list({}), []);
      assert.is(fleet.console.registry.get("rpi-7")?.online, true);

      // The page itself still may.
      await page.goto(`${own}/api/session`);
      assert.is(await page.evaluate(async (url) => (await fetch(url, { method: "POST" })).status, shutdown), 200);
      assert.is(await agent.finished, "shutdown");
    },
    { seconds: 60 },
  );
});
