import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { clientAt } from "../cli/client-at.ts";
import { bundlePath, tlsDirectory } from "../tls/paths.ts";
import { openPage } from "./browser.ts";
import { freePort } from "./mosquitto.ts";
import { musterProgram, runProgram, Running } from "./programs.ts";
import { secondMachine } from "./second-machine.ts";
import { eventually, suite } from "./suite.ts";

const password = "correct horse";
const name = "pi-of-ann";
/** Seconds for the whole way: an error's, not an expectation; it takes some ten. */
const patience = 120;
/** And seconds that it is promised to take at most, also on a machine that does other things beside it. */
const promised = 60;

suite("a newcomer's way", ({ test }) => {
  test(
    "from an empty second machine by one pasted line to a chart on the page",
    async (scope) => {
      const machine = await secondMachine(scope, name);
      const { here } = machine;
      const [http, mqtt, mqtts] = [await freePort(), await freePort(), await freePort()];
      const data = join(await scope.directory(), "data");
      const env = {
        MUSTER_DATA: data,
        MUSTER_HTTP_PORT: String(http),
        MUSTER_MQTT_PORT: String(mqtt),
        MUSTER_MQTTS_PORT: String(mqtts),
        MUSTER_ADMIN_PASSWORD: password,
      };
      const began = performance.now();
      const times = new Map<string, number>();
      const stamp = (what: string): void => void times.set(what, (performance.now() - began) / 1_000);
      const server = new Running(scope, ...musterProgram(["start", "--listen", here]), { env });
      await server.line(/^without TLS, open to this machine alone/);
      stamp("console up");

      const enrolled = await runProgram(...musterProgram(["enroll", "{hostname}", "--group", "lab"]), { env });
      assert.is(enrolled.code, 0, enrolled.err);
      const line = enrolled.out.split("\n").find((one) => one.includes("/join -o "));
      assert.ok(line, enrolled.out);
      assert.match(line, `https://${here}:${http}`, enrolled.out);
      stamp("line printed");
      machine.paste(line.trim());
      await machine.shell.line(new RegExp(`${name} is online: https://${here}:${http}/devices/${name}`), patience);
      stamp("online");

      const ca = { pem: readFileSync(bundlePath(data), "utf8"), alone: true };
      const client = clientAt(`https://${here}:${http}`, `admin:${password}`, { refused: "not let in", ca });
      await eventually("its points in the store", async () => {
        const span = { from: String(Date.now() - 600_000), to: String(Date.now() + 60_000), every: "0" };
        const { series } = await client.getHistory(name, { measurement: "mem", field: "used_percent", ...span });
        return series.some(({ points }) => points.length > 0);
      });
      stamp("in the store");

      const shown = new X509Certificate(readFileSync(join(tlsDirectory(data), "server.pem"), "utf8"));
      assert.ok(shown.checkIssued(new X509Certificate(readFileSync(bundlePath(data)))));
      const { page, complaints } = await openPage(scope, { trusted: shown });
      await page.goto(`https://${here}:${http}/devices/${name}`);
      await page.getByTestId("login-name").fill("admin");
      await page.getByTestId("login-password").fill(password);
      await page.getByTestId("login-submit").click();
      await page.locator('[data-testid="chart-mem"][data-last]:not([data-last="0"])').waitFor();
      await page.getByTestId("chart-mem").locator("canvas").first().waitFor();
      stamp("on the chart");
      const told = [...times].map(([what, seconds]) => `${what} ${seconds.toFixed(1)} s`).join(", ");
      const shot = process.env["MUSTER_SHOT"];
      if (shot !== undefined) await page.screenshot({ path: shot, fullPage: true });
      assert.equal(complaints, []);
      console.log(told);
      assert.match(
        told,
        /^console up [\d.]+ s, line printed [\d.]+ s, online [\d.]+ s, in the store [\d.]+ s, on the chart [\d.]+ s$/,
      );
      assert.ok((times.get("on the chart") ?? Infinity) <= promised, told);
    },
    { seconds: patience },
  );
});
