import { once } from "node:events";
import { connect, Socket } from "node:net";
import { connect as connectTls, TLSSocket } from "node:tls";
import * as assert from "uvu/assert";
import { silentLog } from "#shared/log";
import { maxClosingsATurn } from "#shared/paced-closings";
import { rawConnect, startBroker } from "../test/broker.ts";
import { eventually, suite, type Scope } from "../test/suite.ts";
import { startTls } from "../test/tls.ts";

const host = { host: "127.0.0.1", rejectUnauthorized: false };
const crowd = maxClosingsATurn + 8;

/** Counts what is done in one turn of the event loop. */
function perTurn(scope: Scope) {
  let most = 0;
  let [count, all] = [0, 0];
  let turn: NodeJS.Immediate;
  const next = (): void => {
    count = 0;
    turn = setImmediate(next);
  };
  next();
  scope.cleanup(() => clearImmediate(turn));
  const add = (): void => {
    all += 1;
    most = Math.max(most, ++count);
  };
  return { add, most: () => most, all: () => all };
}

suite("many who leave at once", ({ test }) => {
  test("are let go of a few in each turn of the event loop: their last words by TLS, their connections, their sessions", async (scope) => {
    const { identity } = await startTls(scope);
    const [ends, closings, leavings] = [perTurn(scope), perTurn(scope), perTurn(scope)];
    const log = { ...silentLog, debug: (_: unknown, text: string) => text.endsWith(" disconnected") && leavings.add() };
    const {
      broker,
      port,
      tlsPort = 0,
    } = await startBroker(scope, {
      tls: { listen: "127.0.0.1", port: 0, identity },
      log,
    });
    // On the broker's side: each connection is a socket, some with a TLS connection over it.
    const { prototype } = Socket;
    const before = Object.getOwnPropertyDescriptors(prototype);
    scope.cleanup(() => Object.defineProperties(prototype, before));
    const isOurs = ({ localPort = 0 }: Socket): boolean => localPort === port || localPort === tlsPort;
    const { _final: final, _destroy: destroy } = before;
    prototype._final = function (...given) {
      if (isOurs(this)) ends.add();
      final.value?.apply(this, given);
    };
    prototype._destroy = function (...given) {
      if (isOurs(this) && !(this instanceof TLSSocket)) closings.add();
      destroy.value?.apply(this, given);
    };
    const clients = await Promise.all(
      Array.from({ length: 2 * crowd }, async (_, at) => {
        const isGuest = at % 2 === 0;
        const client = isGuest ? connectTls({ ...host, port: tlsPort }) : connect({ ...host, port });
        scope.cleanup(() => client.destroy());
        client.on("error", () => {});
        await once(client, isGuest ? "secureConnect" : "connect");
        if (isGuest) return client;
        client.write(rawConnect(`olaf-${at}`, "olaf"));
        await once(client, "data");
        return client;
      }),
    );
    assert.is(broker.stats().clients.connected, crowd);
    for (const client of clients) client.destroy();
    await eventually("all closings", () => closings.all() === 2 * crowd);
    assert.is(leavings.all(), crowd);
    for (const one of [ends, closings, leavings])
      assert.ok(one.most() <= maxClosingsATurn, [ends, closings, leavings].map((o) => `${o.most()}`).join());
  });
});
