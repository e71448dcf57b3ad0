import { once } from "node:events";
import mqtt from "mqtt";
import * as assert from "uvu/assert";
import { generateSecret } from "#shared/password";
import { pauseOfName } from "#shared/login-throttle";
import { TrustedProxies } from "#shared/trusted-proxies";
import { serveApi, type ApiServer } from "./api-server.ts";
import { rawConnect, rawConnection } from "./broker.ts";
import { statusOf } from "./checked-client.ts";
import { startFleet, type Fleet } from "./fleet.ts";
import { suite, withDeadline, type Scope } from "./suite.ts";

const chosen = "correct horse";

/** Broker and console with accounts whose passwords were chosen, and which nobody has used since the start. */
async function start(scope: Scope, trusted: readonly string[] = []): Promise<ApiServer & { fleet: Fleet }> {
  const fleet = await startFleet(scope, "embedded");
  for (const name of ["anna", "bert"]) fleet.state.accounts.set(name, "admin", chosen);
  for (const name of ["anna", "bert"]) fleet.state.accounts.changedElsewhere(name);
  return { fleet, ...(await serveApi(scope, fleet, { proxies: new TrustedProxies(trusted) })) };
}

/** The status of a login on the page. */
const page = ({ as }: ApiServer, name: string, password: string, headers?: Record<string, string>): Promise<number> =>
  statusOf(as(undefined, headers).logIn({ name, password }));

const basic = ({ as }: ApiServer, name: string, password: string): Promise<number> =>
  statusOf(as(`${name}:${password}`).listDevices());

/** A wrong login on the page of a flood's, which is broken off when the flood is over: no call of the client's can be. */
const flooding = ({ url }: ApiServer, name: string, password: string, signal: AbortSignal): Promise<Response> =>
  fetch(`${url}/api/session`, {
    method: "POST",
    signal,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name, password }),
  });

/** The CONNACK code that a login at the broker gets; 0 lets it in. */
function broker(scope: Scope, url: string, name: string, password: string): Promise<number> {
  const client = mqtt.connect(url, {
    username: name,
    password,
    protocolVersion: 4,
    reconnectPeriod: 0,
    reconnectOnConnackError: false,
  });
  scope.cleanup(() => client.endAsync(true));
  return new Promise((resolve, reject) => {
    client.once("connect", () => resolve(0));
    client.on("error", (error) => ("code" in error ? resolve(error.code) : reject(error)));
  });
}

/** A wrong login at the broker that costs this process little: a flood of them. */
async function raw(scope: Scope, port: number, name: string): Promise<unknown> {
  const socket = await rawConnection(scope, port);
  const answer = once(socket, "data");
  socket.write(rawConnect("", name));
  return answer;
}

/** Milliseconds until `login` has come in. */
async function timed(login: Promise<number>, success: number): Promise<number> {
  const began = performance.now();
  assert.is(await withDeadline(login, 10, "a right secret"), success);
  return performance.now() - began;
}

suite("logins through all doors", ({ test }) => {
  test(
    "300 wrong ones at once on the page and at the broker: a right one comes in soon",
    async (scope) => {
      const { fleet, ...api } = await start(scope);
      const flood: Promise<unknown>[] = [];
      const over = new AbortController();
      scope.cleanup(() => over.abort());
      for (let turn = 0; turn < 150; turn++) {
        flood.push(flooding(api, turn % 2 ? "anna" : `nobody-${turn}`, `wrong ${turn}`, over.signal));
        flood.push(raw(scope, fleet.port, turn % 2 ? "anna" : `nobody-${turn}`));
      }
      // Until the flood has reached the queue: some of it has been answered.
      let answered = 0;
      await new Promise<void>((resolve) => {
        const count = (): void => void (++answered === 5 && resolve());
        for (const one of flood) one.then(count, () => {});
      });
      const took = {
        device: await timed(broker(scope, fleet.url, "ann", fleet.secretOf("ann")), 0),
        otherName: await timed(page(api, "bert", chosen), 200),
        sameName: await timed(broker(scope, fleet.url, "anna", chosen), 0),
        again: await timed(basic(api, "anna", chosen), 200),
        stranger: await timed(basic(api, "nobody", generateSecret()), 401),
      };
      // Two hashes and the longest pause, on a machine that computes hashes for a flood at the same time.
      for (const [what, ms] of Object.entries(took)) assert.ok(ms < 8_000, `${what}: ${ms.toFixed(0)} ms`);
      assert.ok(
        took.again < Math.max(500, took.sameName),
        `a secret that was right before waits for nobody: ${took.again} ms`,
      );
    },
    { seconds: 60 },
  );

  test("a wrong secret at one door slows the same name at the others, and a right one is never refused for it", async (scope) => {
    const { fleet, ...api } = await start(scope);
    for (let turn = 0; turn < 4; turn++) {
      assert.is(await page(api, "anna", "wrong horse"), 401);
      assert.is(await basic(api, "anna", "wrong horse"), 401);
      assert.is(await broker(scope, fleet.url, "anna", "wrong horse"), 4);
    }
    // Two, since the first one's pause is counted from the turn before, and may be over.
    const again = (): Promise<number> => page(api, "anna", "wrong again");
    assert.ok((await timed(again().then(again), 401)) >= pauseOfName);
    assert.is(await broker(scope, fleet.url, "anna", chosen), 0);
    assert.ok((await timed(page(api, "anna", chosen), 200)) < pauseOfName, "it was right at the broker");
  });

  test("behind a trusted proxy each client has its own address, and nobody else says where they come from", async (scope) => {
    for (const [trusted, slowed] of [
      [["127.0.0.1"], false],
      [[], true],
    ] as const) {
      const api = await start(scope, trusted);
      for (let turn = 0; turn < 12; turn++)
        await page(api, "anna", `wrong ${turn}`, { "x-forwarded-for": `10.0.0.${turn % 2}` });
      // Three, since the pause is counted from the turn before: on a busy machine much of the first one's may be over.
      const three = async (): Promise<number> => {
        for (const more of ["a", "b", "c"]) await page(api, "anna", `wrong ${more}`, { "x-forwarded-for": "10.0.0.9" });
        return 401;
      };
      const took = await timed(three(), 401);
      assert.is(took > 2 * pauseOfName, slowed, `${took} ms`);
    }
  });
});
