import { connect, type ConnectionOptions } from "node:tls";
import * as assert from "uvu/assert";
import { runProgram } from "./programs.ts";
import { login, startBroker } from "./broker.ts";
import { suite, withDeadline, type Scope } from "./suite.ts";
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
});
