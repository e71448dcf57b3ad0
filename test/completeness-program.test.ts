import { join } from "node:path";
import * as assert from "uvu/assert";
import { openPage } from "./browser.ts";
import { freePort } from "./mosquitto.ts";
import { musterProgram, runProgram, Running, type Finished } from "./programs.ts";
import { connectRaw, type RawDevice } from "./raw-device.ts";
import { eventually, suite, type Scope } from "./suite.ts";

const password = "correct horse";
const why = "the outbox is full (65536 bytes)";

/** Broker and console as processes of their own, and a device that is written by hand. */
async function place(scope: Scope) {
  const [httpPort, mqttPort] = [await freePort(), await freePort()];
  const env = {
    MUSTER_DATA: join(await scope.directory(), "data"),
    MUSTER_HTTP_PORT: String(httpPort),
    MUSTER_MQTT_PORT: String(mqttPort),
    MUSTER_MQTT_URL: `mqtt://127.0.0.1:${mqttPort}`,
    MUSTER_ADMIN_PASSWORD: password,
  };
  const muster = (...args: string[]): Promise<Finished> => runProgram(...musterProgram(args), { env });
  const start = (name: string): Running => new Running(scope, ...musterProgram([name]), { env });
  await start("broker").line(/listens at/);
  const url = `http://127.0.0.1:${httpPort}`;
  const startConsole = async (): Promise<Running> => {
    const console = start("console");
    await console.line(/page|console|http/i);
    await eventually("the console at the broker", async () => (await fetch(`${url}/healthz`)).ok, 20);
    return console;
  };
  const console = await startConsole();
  const secret =
    /\S{20,}/.exec((await muster("enroll", "rpi-7", "--secret")).out.replaceAll(/\S*[/:]\S*/g, ""))?.[0] ?? "";
  const device = await connectRaw(scope, { url: env.MUSTER_MQTT_URL, device: "rpi-7", password: secret });
  return { url, muster, startConsole, console, device };
}

async function sendUntilAcked(device: RawDevice, seqs: readonly number[], times = 1): Promise<void> {
  for (const seq of seqs) await device.send(seq);
  for (const seq of seqs) await device.acked(seq, times);
}

suite("completeness of the programs", ({ test }) => {
  test(
    "a console that is killed right after an ack has the batch in its books; the command line and the page tell gaps",
    async (scope) => {
      const { url, muster, startConsole, console, device } = await place(scope);
      const until = Date.now() - 3_600_000;
      const first = Array.from({ length: 40 }, (_, at) => at + 1);
      await sendUntilAcked(device, first);
      await console.kill("SIGKILL");
      await startConsole();
      await device.gap(60, { from: 41, to: 59, samples: 57, since: until - 600_000, until, why });
      await sendUntilAcked(device, [40, 61], 1);
      await device.acked(40, 2);
      await device.send(64);
      await device.acked(64);

      const gaps = await muster("devices", "--gaps");
      assert.is(gaps.code, 0, gaps.err);
      const [head, sums, gap, ...rest] = gaps.out.trimEnd().split("\n");
      assert.match(head ?? "", /^DEVICE +STORED +MISSING +OUTSTANDING +FROM +TO +WHY$/);
      assert.match(sums ?? "", /^rpi-7 +126 +57 +~6 in 2 batches +\d{4}-\d\d-\d\dT/);
      const shown = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z/, "Z");
      assert.ok(gap?.endsWith(`${shown(until - 600_000)}  ${shown(until)}  ${why}`), gap);
      assert.equal(rest, []);
      const [document] = JSON.parse((await muster("devices", "--gaps", "--json")).out) as { expected: number }[];
      assert.is(document?.expected, 126 + 57 + 6);

      const { page, complaints } = await openPage(scope);
      await page.goto(url);
      await page.getByTestId("login-name").fill("admin");
      await page.getByTestId("login-password").fill(password);
      await page.getByTestId("login-submit").click();
      assert.is(await page.getByTestId("missing-rpi-7").innerText(), "57 samples missing");
      await page.getByTestId("device-rpi-7").getByRole("link").first().click();
      const section = page.getByTestId("completeness");
      await section.getByText(why).waitFor();
      assert.is(await page.getByTestId("completeness-stored").innerText(), "126");
      assert.is(await page.getByTestId("completeness-missing").innerText(), "57");
      assert.match(await section.innerText(), /in 2 batches since/);
      assert.equal(complaints, []);
    },
    { seconds: 60 },
  );
});
