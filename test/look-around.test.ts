import { mkdir, utimes, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createServer as createTcp, type AddressInfo } from "node:net";
import { join } from "node:path";
import * as assert from "uvu/assert";
import type { Finding } from "#shared/finding";
import {
  certificateFinding,
  clockTolerance,
  endsSoon,
  lookAtBroker,
  lookAtClock,
  lookAtDisk,
  tightDisk,
} from "#shared/around-directory";
import { compareClocks } from "../agent/doctor-around.ts";
import { isConsole, lookAtCertificates, lookAtInflux, lookAtPort } from "../commands/compose/look-around.ts";
import { serveApi } from "./api-server.ts";
import { startFleet } from "./fleet.ts";
import { startInflux } from "./influx.ts";
import { freePort } from "./mosquitto.ts";
import { musterProgram, runProgram } from "./programs.ts";
import { suite, type Scope } from "./suite.ts";
import { startTls } from "./tls.ts";

const told = ({ state, what, says }: Finding): string => `${state} ${what}: ${says}`;
/** Each trouble ends in what to do. */
const todo =
  /: (make|remove|set|see|end|choose|put|start|correct|a start|nobody|no answer)|: [^:]*\b(start|set|correct|choose|put)\b/;

function assertTrouble(finding: Finding, pattern: RegExp): void {
  assert.is(finding.state, "trouble", told(finding));
  assert.match(told(finding), pattern);
  assert.match(finding.says, todo);
}

/** A program that answers HTTP in its own way. */
async function other(scope: Scope, status: number, date = new Date().toUTCString()): Promise<number> {
  const server = createServer((_, answer) => answer.writeHead(status, { date }).end("hello"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  scope.cleanup(() => server.close());
  return (server.address() as AddressInfo).port;
}

suite("what doctor finds around a directory", ({ test }) => {
  test("ports: nobody there, Muster, another program, an address of another machine", async (scope) => {
    const fleet = await startFleet(scope, "embedded");
    const { port } = await serveApi(scope, fleet);
    const look = (at: number, listen = "127.0.0.1") =>
      lookAtPort({ listen, port: at, setting: "MUSTER_HTTP_PORT" }, (host) => isConsole(host, at));
    assert.is(told(await look(port)), `sound port ${port}: Muster is there`);
    const taken = await other(scope, 404);
    assertTrouble(await look(taken), /another program has it: .*sport = :\d+.*or choose another with MUSTER_HTTP_PORT/);
    const free = await freePort();
    assert.is((await look(free)).state, "note");
    assertTrouble(await look(free, "192.0.2.1"), /no address 192\.0\.2\.1: choose one of its own with MUSTER_LISTEN/);
  });

  test("the broker: there, nobody, a name that nobody knows, a certificate of somebody else", async (scope) => {
    const fleet = await startFleet(scope, "embedded");
    assert.match(told(await lookAtBroker(fleet.url, undefined)), /^sound broker: 127\.0\.0\.1:\d+ can be reached$/);
    const free = await freePort();
    assertTrouble(await lookAtBroker(`mqtt://127.0.0.1:${free}`, undefined), /nobody listens there: start the broker/);
    assertTrouble(
      await lookAtBroker("mqtt://no-such-host.invalid", undefined),
      /nobody knows the name .*DNS|no answer/,
    );
    const silent = createTcp((socket) => socket.on("error", () => {}));
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    scope.cleanup(() => silent.close());
    assert.is(
      (await lookAtBroker(`mqtt://127.0.0.1:${(silent.address() as AddressInfo).port}`, undefined)).state,
      "sound",
    );
  });

  test("InfluxDB: there, without the database, and nobody", async (scope) => {
    const influx = await startInflux(scope);
    const { origin } = new URL(influx.url);
    const there = await lookAtInflux(influx.url);
    assert.ok(["sound", "trouble"].includes(there.state), told(there));
    assertTrouble(await lookAtInflux(`${origin}/no-such`), /has no database no-such: a start makes it/);
    assertTrouble(
      await lookAtInflux(`http://127.0.0.1:${await freePort()}/x`),
      /does not answer \(ECONNREFUSED\): start it/,
    );
    assertTrouble(
      await lookAtInflux(`http://127.0.0.1:${await other(scope, 401)}/x`),
      /does not let this user write: put/,
    );
    assertTrouble(await lookAtInflux(`http://127.0.0.1:${await other(scope, 500)}/x`), /answers 500: see its log/);
  });

  test("disk, clock and certificates, at their edges", async (scope) => {
    const directory = await scope.directory();
    assert.ok(tightDisk.agent < tightDisk.console);
    assert.is(lookAtDisk(directory, 0).state, "sound");
    assertTrouble(lookAtDisk(directory, Number.MAX_SAFE_INTEGER), /MB free for .*: make room there/);
    const now = Date.UTC(2026, 6, 1);
    await writeFile(join(directory, "a"), "");
    await utimes(join(directory, "a"), now / 1_000, now / 1_000);
    assert.is(lookAtClock(directory, now - clockTolerance).state, "sound");
    assertTrouble(lookAtClock(directory, now - clockTolerance - 1_000), /was written 2026-07-01.*: set it, as by NTP/);
    assertTrouble(lookAtClock(directory, 0), /1970-01-01.*: set it, as by NTP/);
    assert.is(certificateFinding("c", now + endsSoon, now).state, "sound");
    assertTrouble(
      certificateFinding("c", now + endsSoon - 1_000, now),
      /should have been renewed by itself: start Muster/,
    );
    assertTrouble(certificateFinding("c", now - 1_000, now), /it ended .*: a start makes another/);
    const { data } = await startTls(scope);
    const found = lookAtCertificates(join(data, "tls"), Date.now());
    assert.ok(found.length > 0 && found.every(({ state }) => state === "sound"), found.map(told).join("\n"));
    assert.equal(lookAtCertificates(join(directory, "none"), now), []);
  });

  test("a device's clock beside the console's", async (scope) => {
    const port = await other(scope, 200, new Date(Date.now() - 2 * 3_600_000).toUTCString());
    assertTrouble(
      await compareClocks({ origin: `http://127.0.0.1:${port}`, trust: undefined }, Date.now),
      /clock: it is 1[12]\d min off .*: set whichever is wrong/,
    );
    assert.is(
      (await compareClocks({ origin: `http://127.0.0.1:${await other(scope, 200)}`, trust: undefined }, Date.now))
        .state,
      "sound",
    );
    assertTrouble(
      await compareClocks({ origin: `http://127.0.0.1:${await freePort()}`, trust: undefined }, Date.now),
      /does not answer \(ECONNREFUSED\): see whether/,
    );
  });

  test("the program says it of a console's directory and of an agent's", async (scope) => {
    const data = join(await scope.directory(), "data");
    await mkdir(join(data, "agent"), { recursive: true, mode: 0o700 });
    await writeFile(join(data, "agent", "instance"), "");
    await writeFile(join(data, "files.json"), "{}");
    const [httpPort, mqttPort, gone] = [await freePort(), await freePort(), await freePort()];
    const env = {
      MUSTER_DATA: data,
      MUSTER_HTTP_PORT: String(httpPort),
      MUSTER_MQTT_PORT: String(mqttPort),
      MUSTER_INFLUX_URL: `http://127.0.0.1:${gone}/muster`,
      MUSTER_MQTT_URL: `mqtt://rpi-7:secret@127.0.0.1:${gone}`,
    };
    const { out } = await runProgram(...musterProgram(["doctor"]), { env });
    assert.match(out, new RegExp(`note +port ${httpPort} +nobody is there`));
    assert.match(
      out,
      /trouble +broker +127\.0\.0\.1:\d+: nobody listens there[^]*an agent's directory[^]*trouble +broker/,
    );
    assert.match(out, /trouble +InfluxDB/);
    assert.match(out, /sound +clock[^]*sound +disk[^]*sound +clock[^]*sound +disk/);
    assert.match(out, /3 things to see to: each line says what to do/);
    assert.not.match(out, /secret/);
  });
});
