import { once } from "node:events";
import mqtt from "mqtt";
import * as assert from "uvu/assert";
import { WebSocket } from "ws";
import { EnvironmentError } from "#shared/errors";
import { suite, withDeadline } from "../test/suite.ts";
import { inbox, login, rawConnect, rawConnection, startBroker, untilClosed } from "../test/broker.ts";

suite("listener", ({ test }) => {
  test("a port in use is said so, with what to do", async (scope) => {
    const { port } = await startBroker(scope);
    const error = await startBroker(scope, { port }).catch((thrown: unknown) => thrown);
    assert.instance(error, EnvironmentError);
    assert.is(
      (error as Error).message,
      `port ${port} on 127.0.0.1 is in use: stop the other program or set MUSTER_MQTT_PORT`,
    );
  });

  test("MQTT over TCP and over WebSocket meet on one port", async (scope) => {
    const { url } = await startBroker(scope);
    const page = await login(scope, `${url.replace("mqtt:", "ws:")}/mqtt`, "vera");
    const seen = inbox(page);
    await page.subscribeAsync("muster/#", { qos: 1 });
    const device = await login(scope, url, "rpi-7");
    await device.publishAsync("muster/rpi-7/status", Buffer.alloc(100_000, 0x61), { qos: 1 });
    await seen.upTo(({ payload }) => payload.length === 100_000);
  });

  test("a WebSocket on another path or without the subprotocol is refused", async (scope) => {
    const { port } = await startBroker(scope);
    for (const [path, protocols] of [
      ["/other", ["mqtt"]],
      ["/mqtt", []],
    ] as const) {
      const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, [...protocols]);
      const [error] = (await once(socket, "error")) as [Error];
      assert.match(error.message, /400/);
    }
  });

  test("a browser that comes by HTTP is told what this is", async (scope) => {
    const { port } = await startBroker(scope);
    const response = await fetch(`http://127.0.0.1:${port}/`);
    assert.is(response.status, 426);
    assert.match(await response.text(), /MQTT broker/);
  });

  test("who says nothing, half a request or no CONNECT is let go", async (scope) => {
    const { port } = await startBroker(scope, { limits: { connectTimeout: 100 } });
    for (const words of ["", "GET /mqtt HTTP/1.1\r\nHost: x\r\n", rawConnect("tool", "olaf").subarray(0, 5)]) {
      const socket = await rawConnection(scope, port);
      if (words.length > 0) socket.write(words);
      await untilClosed(socket);
    }
  });

  test("there is room for so many connections and no more", async (scope) => {
    const { broker, port, url } = await startBroker(scope, { limits: { connections: 1 } });
    await login(scope, url, "olaf");
    await untilClosed(await rawConnection(scope, port));
    assert.is(broker.stats().refused.connections, 1);
  });

  test("small packets leave at once: a round trip at QoS 1 takes no 40 ms", async (scope) => {
    const { url } = await startBroker(scope);
    const [asker, answerer] = [await login(scope, url, "olaf"), await login(scope, url, "rpi-7")];
    await answerer.subscribeAsync("muster/rpi-7/cmd/+", { qos: 1 });
    answerer.on("message", () => answerer.publish("muster/rpi-7/reply/1", "pong", { qos: 1 }));
    await asker.subscribeAsync("muster/rpi-7/reply/+", { qos: 1 });
    const times: number[] = [];
    for (let at = 0; at < 50; at++) {
      const begun = performance.now();
      const answered = new Promise<void>((resolve) => asker.once("message", () => resolve()));
      asker.publish("muster/rpi-7/cmd/1", "ping", { qos: 1 });
      await withDeadline(answered, 20, "the answer");
      times.push(performance.now() - begun);
    }
    // With Nagle's algorithm each takes 40 ms and more; on a busy machine some do without it.
    const quick = times.toSorted((a, b) => a - b)[5] ?? Infinity;
    assert.ok(quick < 25, `the quick ones took ${quick.toFixed(1)} ms`);
  });

  test("stop closes every connection and publishes the wills to nobody's harm", async (scope) => {
    const { broker, url } = await startBroker(scope);
    const client = mqtt.connect(url, {
      clientId: "rpi-7",
      username: "rpi-7",
      password: "rpi-7",
      protocolVersion: 4,
      reconnectPeriod: 0,
    });
    scope.cleanup(() => client.endAsync(true));
    await once(client as never, "connect");
    const closed = once(client as never, "close");
    await broker.stop();
    await withDeadline(closed, 20, "the client's end");
    assert.is(broker.local().connected, false);
  });
});
