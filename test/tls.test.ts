import type { Socket } from "node:net";
import { connect, type ConnectionOptions } from "node:tls";
import { ManualClock } from "#shared/clock";
import { silentLog } from "#shared/log";
import { handshakeTimeout, helloByte } from "#shared/tls-door";
import * as assert from "uvu/assert";
import { runProgram } from "./programs.ts";
import { login, rawConnect, rawConnection, startBroker, untilClosed } from "./broker.ts";
import { eventually, suite, withDeadline, type Scope } from "./suite.ts";
import { startTls } from "./tls.ts";

async function startTlsBroker(scope: Scope, names?: readonly string[]) {
  const tls = await startTls(scope, names ? { names: () => names } : {});
  const { broker, tlsPort = 0 } = await startBroker(scope, {
    tls: { listen: "127.0.0.1", port: 0, identity: tls.identity },
  });
  return { ...tls, broker, port: tlsPort };
}

/** What becomes of a handshake: the agreed version, or why there is none. */
function handshake(port: number, options: ConnectionOptions): Promise<string> {
  return withDeadline(
    new Promise((resolve) => {
      const socket = connect({ host: "127.0.0.1", port, ...options }, () => {
        resolve(socket.getProtocol() ?? "");
        socket.destroy();
      });
      socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    }),
    10,
    "a handshake",
  );
}

/** A connection that begins with TLS and goes no further. */
async function begun(scope: Scope, port: number): Promise<Socket> {
  const socket = await rawConnection(scope, port);
  socket.write(Buffer.from([helloByte, 3, 1, 0, 200]));
  return socket;
}

suite("TLS on the embedded broker", ({ test }) => {
  test("tools that know TLS and nothing of Muster get in with the CA's file, by MQTT and by WebSocket", async (scope) => {
    const { port, cafile, authority } = await startTlsBroker(scope);
    const who = ["-h", "127.0.0.1", "-p", String(port), "-u", "rpi-7", "-P", "rpi-7", "-i", "rpi-7"];
    const sent = ["-q", "1", "-t", "muster/rpi-7/metrics/room", "-m", "21"];
    const good = await runProgram("mosquitto_pub", ["--cafile", cafile, ...who, ...sent]);
    assert.is(good.code, 0, good.err);
    const bare = await runProgram("mosquitto_pub", [...who, ...sent]);
    assert.is.not(bare.code, 0);
    const page = await login(scope, `wss://127.0.0.1:${port}/mqtt`, "vera", { ca: authority.caBundle() });
    await page.subscribeAsync("muster/#", { qos: 1 });
  });

  test("another CA, another name and a version before 1.2 come to nothing", async (scope) => {
    const { port, authority } = await startTlsBroker(scope, ["broker.example"]);
    const other = await startTls(scope);
    const ca = authority.caBundle();
    assert.is(await handshake(port, { ca, servername: "broker.example" }), "TLSv1.3");
    assert.is(await handshake(port, { ca, servername: "broker.example", maxVersion: "TLSv1.2" }), "TLSv1.2");
    assert.is(await handshake(port, { ca }), "ERR_TLS_CERT_ALTNAME_INVALID");
    assert.match(
      await handshake(port, { ca: other.authority.caBundle(), servername: "broker.example" }),
      /^(UNABLE_TO|CERT_)/,
    );
    const old = { minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const;
    assert.match(await handshake(port, { ca, servername: "broker.example", ...old }), /PROTOCOL_VERSION/);
  });

  test("who begins a handshake and goes no further is let go, and counts as a stranger until then", async (scope) => {
    const clock = new ManualClock(Date.now());
    const tls = await startTls(scope);
    const told: string[] = [];
    const log = { ...silentLog, info: (_: object, message: string) => void told.push(message) };
    const options = {
      clock,
      log,
      limits: { connections: 8 },
      tls: { listen: "127.0.0.1", port: 0, identity: tls.identity },
    };
    const { tlsPort: port = 0, broker } = await startBroker(scope, options);
    // A quarter of the room is one network's.
    const slow = [await begun(scope, port), await begun(scope, port)];
    await untilClosed(await begun(scope, port));
    assert.is(broker.stats().refused.connections, 1);
    const closed = slow.map((socket) => untilClosed(socket));
    clock.advance(handshakeTimeout);
    await Promise.all(closed);
    const ca = tls.authority.caBundle();
    await eventually("room again", async () => (await handshake(port, { ca })) === "TLSv1.3");
    const plain = await rawConnection(scope, port);
    plain.write(rawConnect("rpi-7", "rpi-7"));
    await untilClosed(plain);
    await eventually("a line about it", () => told.some((line) => line.includes("without TLS on the port for TLS")));
  });

  test("TLS at the port without it is told in the log, with the port that has it", async (scope) => {
    const told: string[] = [];
    const log = { ...silentLog, info: (_: object, message: string) => void told.push(message) };
    const { port } = await startBroker(scope, { log });
    await untilClosed(await begun(scope, port));
    assert.match(told.join(), /begins TLS on the port without it/);
  });

  test("a new certificate is for those who come from then on, and whoever is connected stays", async (scope) => {
    let names = ["127.0.0.1"];
    const tls = await startTls(scope, { names: () => names });
    const { tlsPort: port = 0 } = await startBroker(scope, {
      tls: { listen: "127.0.0.1", port: 0, identity: tls.identity },
    });
    const ca = tls.authority.caBundle();
    const client = await login(scope, `mqtts://127.0.0.1:${port}`, "rpi-7", { ca });
    assert.is(await handshake(port, { ca, servername: "new.example" }), "ERR_TLS_CERT_ALTNAME_INVALID");
    names = ["127.0.0.1", "new.example"];
    await tls.identity.renew();
    assert.is(await handshake(port, { ca, servername: "new.example" }), "TLSv1.3");
    await client.publishAsync("muster/rpi-7/status", "{}", { qos: 1 });
    assert.is(client.connected, true);
  });
});
