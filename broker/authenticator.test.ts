import { once } from "node:events";
import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import * as assert from "uvu/assert";
import { LoginsBusyError } from "#shared/login-throttle";
import { TrustedProxies } from "#shared/trusted-proxies";
import type { Authenticate } from "./authenticator.ts";
import { suite, withDeadline, type Scope } from "../test/suite.ts";
import { inbox, login, rawConnect, rawConnection, startBroker } from "../test/broker.ts";

suite("authenticator", ({ test }) => {
  test("a device goes by its own name", async (scope) => {
    const { url } = await startBroker(scope);
    assert.is(await refusal(scope, url, "rpi-7", { clientId: "rpi-8" }), 2);
    assert.is(await refusal(scope, url, "rpi-7", { clientId: "" }), 2);
    await login(scope, url, "rpi-7");
  });

  test("a console goes by its name or one that begins with it, and nobody else may take that while it is there", async (scope) => {
    const { url } = await startBroker(scope);
    for (const clientId of ["other", "hubs", "rpi-7", ""])
      assert.is(await refusal(scope, url, "hub", { clientId }), 2, clientId);
    const held = await login(scope, url, "hub", { clientId: "hub-k3v9" });
    for (const thief of ["olaf", "anna", "vera", "rpi-7"])
      assert.is(await refusal(scope, url, thief, { clientId: "hub-k3v9" }), 2, thief);
    await login(scope, url, "hub");
    assert.is(held.connected, true);
  });

  test("nobody takes over another user's live client id, but may take over its own", async (scope) => {
    const { broker, url } = await startBroker(scope);
    await login(scope, url, "rpi-7");
    const first = await login(scope, url, "olaf", { clientId: "tool" });
    assert.is(await refusal(scope, url, "olaf", { clientId: "rpi-7" }), 2);
    assert.is(await refusal(scope, url, "anna", { clientId: "tool" }), 2);
    const closed = closing(first);
    await login(scope, url, "olaf", { clientId: "tool" });
    await closed;
    assert.is(broker.stats().clients.connected, 2);
  });

  test("a session left behind belongs to its user", async (scope) => {
    const { url } = await startBroker(scope);
    const first = await login(scope, url, "olaf", { clientId: "tool", clean: false });
    await first.subscribeAsync("muster/#", { qos: 1 });
    await first.endAsync();
    assert.is(await refusal(scope, url, "vera", { clientId: "tool", clean: false }), 2);
  });

  test("a device whose name somebody uses as a client id gets it back", async (scope) => {
    const { url } = await startBroker(scope);
    const squatter = await login(scope, url, "olaf", { clientId: "rpi-7" });
    const closed = closing(squatter);
    await login(scope, url, "rpi-7");
    await closed;
  });

  test("an empty client id needs a clean session", async (scope) => {
    const { port } = await startBroker(scope);
    for (const [flags, code] of [
      [0, 2],
      [2, 0],
    ] as const) {
      const socket = await rawConnection(scope, port);
      socket.write(rawConnect("", "olaf", { flags }));
      const [connack] = (await withDeadline(once(socket, "data"), 20, "CONNACK")) as [Buffer];
      assert.is(connack[3], code);
    }
  });

  test("a will goes only where its client may publish", async (scope) => {
    const { url } = await startBroker(scope);
    const will = { payload: Buffer.from("gone"), qos: 1 as const, retain: true };
    assert.is(await refusal(scope, url, "rpi-7", { will: { ...will, topic: "muster/rpi-8/status" } }), 5);
    const watcher = await login(scope, url, "vera");
    const seen = inbox(watcher);
    await watcher.subscribeAsync("muster/#", { qos: 1 });
    const device = await login(scope, url, "rpi-7", { will: { ...will, topic: "muster/rpi-7/status" } });
    device.stream.destroy();
    await seen.upTo(({ topic, payload }) => topic === "muster/rpi-7/status" && payload.toString() === "gone");
  });

  test("a wrong secret is counted; one that nobody had time to look at may come again", async (scope) => {
    const addresses = new Set<string>();
    const authenticate: Authenticate = async (name, secret, { address }) => {
      addresses.add(address);
      if (secret.toString() === "busy") throw new LoginsBusyError("too many logins at once");
      return secret.toString() === "right" ? { name, role: "operator" as const } : undefined;
    };
    const { broker, url } = await startBroker(scope, { authenticate });
    for (let turn = 0; turn < 20; turn++) assert.is(await refusal(scope, url, "olaf", { password: "wrong" }), 4);
    assert.is(await refusal(scope, url, "olaf", { password: "busy" }), 3);
    await login(scope, url, "olaf", { password: "right" });
    assert.is(broker.stats().refused.logins, 20);
    assert.equal([...addresses], ["127.0.0.1"]);
  });

  test("a WebSocket comes from where a trusted proxy says, and from the proxy where none is trusted", async (scope) => {
    for (const [trusted, expected] of [
      [["127.0.0.0/8"], "10.1.2.3"],
      [[], "127.0.0.1"],
    ] as const) {
      let from = "";
      const authenticate: Authenticate = async (name, _, { address }) => {
        from = address;
        return { name, role: "operator" };
      };
      const { port } = await startBroker(scope, { authenticate, proxies: new TrustedProxies(trusted) });
      const wsOptions = { headers: { "x-forwarded-for": "6.6.6.6, 10.1.2.3" } };
      await login(scope, `ws://127.0.0.1:${port}/mqtt`, "olaf", { wsOptions });
      assert.is(from, expected);
    }
  });

  test("a check that breaks lets nobody in", async (scope) => {
    const { url } = await startBroker(scope, { authenticate: () => Promise.reject(new Error("database is away")) });
    assert.is(await refusal(scope, url, "olaf"), 3);
  });

  test("a client that asks for no keep-alive gets the longest one and is let go after it", async (scope) => {
    const { port } = await startBroker(scope, { limits: { keepalive: 0.2 } });
    const socket = await rawConnection(scope, port);
    socket.write(rawConnect("tool", "olaf", { keepalive: 0 }));
    socket.resume();
    await withDeadline(once(socket, "close"), 20, "the end of a silent connection");
  });

  test("an account that is gone is disconnected", async (scope) => {
    const { broker, url } = await startBroker(scope);
    const closed = closing(await login(scope, url, "rpi-7"));
    broker.disconnect("rpi-7");
    await withDeadline(closed, 20, "the connection's end");
  });
});

function closing(client: MqttClient): Promise<void> {
  return new Promise((resolve) => client.once("close", () => resolve()));
}

/** The CONNACK code with which a login is refused. */
async function refusal(scope: Scope, url: string, name: string, options: IClientOptions = {}): Promise<number> {
  const client = mqtt.connect(url, {
    username: name,
    password: name,
    clientId: name,
    protocolVersion: 4,
    reconnectPeriod: 0,
    reconnectOnConnackError: false,
    ...options,
  });
  scope.cleanup(() => client.endAsync(true));
  const code = new Promise<number>((resolve, reject) => {
    client.once("connect", () => reject(new Error(`${name} was let in`)));
    client.once("error", (error) => resolve("code" in error ? error.code : -1));
  });
  return withDeadline(code, 20, "the refusal");
}
