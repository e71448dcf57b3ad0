import * as assert from "uvu/assert";
import { decode, encode, payloadCap } from "#shared/codec";
import { suite } from "../test/suite.ts";
import { inbox, login, startBroker } from "../test/broker.ts";
import { signed } from "./signature.ts";

const truth = { id: "42", by: "olaf", ts: 1_767_225_600_000 };

/** What is typed, and what its device sees. */
const tasks: readonly (readonly [typed: object, seen: object])[] = [
  [{ key: "ping" }, { key: "ping", by: "olaf" }],
  [
    { key: "ping", by: "admin" },
    { key: "ping", by: "olaf" },
  ],
  [
    { id: "43", key: "ping", by: "", ts: 1 },
    { id: "42", key: "ping", by: "olaf", ts: truth.ts },
  ],
  [
    { key: "ping", args: { by: "me", deep: [1, { ts: 5 }] }, expires: 7, later: "a field of a later version" },
    {
      key: "ping",
      args: { by: "me", deep: [1, { ts: 5 }] },
      expires: 7,
      later: "a field of a later version",
      by: "olaf",
    },
  ],
];

const untouched = ["ping", "", "[1]", "{", '{"key":"ping"', "\u0000", '{"key":', "nonsense with spaces"];

suite("signature", ({ test }) => {
  for (const encoding of ["json", "cbor"] as const) {
    test(`a task in ${encoding} carries the name of who has published it`, () => {
      for (const [typed, seen] of tasks)
        assert.equal(decode(signed(encode(typed, encoding), truth)), { encoding, value: seen });
    });
  }

  test("a name that is typed twice is the true one all the same", () => {
    const typed = Buffer.from('{"by":"a","key":"ping","by":"b","__proto__":{"by":"c"}}');
    assert.is(signed(typed, truth).toString(), '{"by":"olaf","key":"ping"}');
  });

  test("a bare word and what does not read stay as they are", () => {
    for (const text of untouched) assert.is(signed(Buffer.from(text), truth).toString(), text);
    const large = Buffer.from(JSON.stringify({ key: "ping", by: "admin", args: { a: "x".repeat(payloadCap) } }));
    assert.is(signed(large, truth), large);
  });

  test("at the broker: nobody speaks to a device under another's name, and the console may", async (scope) => {
    const { url } = await startBroker(scope);
    const device = await login(scope, url, "rpi-7");
    const seen = inbox(device);
    await device.subscribeAsync("muster/rpi-7/cmd/+", { qos: 1 });
    const forged = JSON.stringify({ id: "7", key: "ping", by: "root" });
    for (const qos of [0, 1, 2] as const)
      await (
        await login(scope, url, "olaf", { clientId: `tool-${qos}` })
      ).publishAsync("muster/rpi-7/cmd/1", forged, {
        qos,
        retain: true,
      });
    await (await login(scope, url, "hub")).publishAsync("muster/rpi-7/cmd/2", forged, { qos: 1 });
    await seen.upTo(({ topic }) => topic === "muster/rpi-7/cmd/2");
    const told = seen.messages.map(({ payload }) => JSON.parse(payload.toString()) as { by: string; id: string });
    assert.equal(
      told.map(({ by, id }) => `${by} ${id}`),
      ["olaf 1", "olaf 1", "olaf 1", "root 7"],
    );
  });

  test("at the broker: of people only tasks are kept", async (scope) => {
    const { broker, url } = await startBroker(scope, { sysInterval: 3_600_000 });
    const before = broker.stats().retained;
    const admin = await login(scope, url, "anna");
    await admin.publishAsync("muster/rpi-7/cmd", "ping", { qos: 1, retain: true });
    assert.is(broker.stats().retained, before);
    await admin.publishAsync("muster/rpi-7/cmd/1", "ping", { qos: 1, retain: true });
    assert.is(broker.stats().retained, before + 1);
    await admin.publishAsync("muster/rpi-7/cmd/1", "", { qos: 1, retain: true });
    assert.is(broker.stats().retained, before);
  });
});
