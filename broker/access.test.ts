import mqtt, { type MqttClient } from "mqtt";
import * as assert from "uvu/assert";
import type { Principal } from "#shared/principal";
import { startMosquitto } from "../test/mosquitto.ts";
import { suite, withDeadline, type Scope } from "../test/suite.ts";
import { Access } from "./access.ts";
import { renderAcl, renderPasswords } from "./mosquitto-access.ts";
import { sysTopics, type Stats } from "./sys.ts";
import { accounts, login, startBroker } from "../test/broker.ts";

const none = { sent: 0, received: 0, dropped: 0, refused: 0 };
const stats: Stats = {
  version: "1",
  uptime: 0,
  clients: { connected: 0, maximum: 0, disconnected: 0, expired: 0 },
  messages: none,
  publish: none,
  retained: 0,
  subscriptions: 0,
  stored: 0,
  refused: { logins: 0, subscriptions: 0, connections: 0, clients: 0 },
};
const everybody = Object.keys(accounts);
const people = everybody.filter((name) => accounts[name] !== "device" && accounts[name] !== "console");
const commanders = people.filter((name) => accounts[name] !== "viewer");
/** What a device called like a person would publish on. */
const namesakes = people.flatMap((name) =>
  ["metrics", "metrics/cpu", "metrics/cpu/deep", "status", "reply/42", "file-up/42"].map(
    (branch) => `muster/${name}/${branch}`,
  ),
);

/** Who may publish to a topic. */
const writers: readonly (readonly [topic: string, names: readonly string[]])[] = [
  ["muster/rpi-7/metrics", ["rpi-7", "hub"]],
  ["muster/rpi-7/metrics/cpu", ["rpi-7", "hub"]],
  ["muster/rpi-7/status", ["rpi-7", "hub"]],
  ["muster/rpi-7/reply/42", ["rpi-7", "hub"]],
  ["muster/rpi-7/file-up/42", ["rpi-7", "hub"]],
  ["muster/rpi-7/file-down/42", ["hub"]],
  ["muster/rpi-7/ack", ["hub"]],
  ["muster/rpi-7/refused", ["hub"]],
  ["muster/rpi-7/cmd", ["hub", ...commanders]],
  ["muster/rpi-7/cmd/42", ["hub", ...commanders]],
  ["muster/console/status", ["hub"]],
  ["muster/console/stats/messages", ["hub"]],
  ["muster/console/alerts/1", ["hub"]],
  ...namesakes.map((topic) => [topic, ["hub"]] as const),
  ["muster/rpi-7/metrics/cpu/deep/er", ["rpi-7", "hub"]],
  ["muster/rpi-7/metrics/_Küche/Fenster links", ["rpi-7", "hub"]],
  ["muster/rpi-7/status/deep", ["hub"]],
  ["muster/rpi-7/other", ["hub"]],
  ["muster/rpi-7", ["hub"]],
  ["other/rpi-7/metrics", []],
  ["$SYS/broker/version", []],
];

/** Who gets a message on a topic that subscribes the filter. */
const readers: readonly (readonly [filter: string, topic: string, names: readonly string[]])[] = [
  ["muster/rpi-7/cmd/+", "muster/rpi-7/cmd/42", ["rpi-7", "hub", ...people]],
  ["muster/rpi-7/cmd/42", "muster/rpi-7/cmd/42", ["rpi-7", "hub", ...people]],
  ["muster/rpi-7/ack", "muster/rpi-7/ack", ["rpi-7", "hub", ...people]],
  ["muster/console/status", "muster/console/status", everybody],
  ["muster/console/alerts/+", "muster/console/alerts/1", ["hub", ...people]],
  ["muster/rpi-7/status", "muster/rpi-7/status", ["hub", ...people]],
  ["muster/rpi-7/metrics", "muster/rpi-7/metrics", ["hub", ...people]],
  ["muster/rpi-7/reply/+", "muster/rpi-7/reply/42", ["hub", ...people]],
  ["muster/rpi-7/cmd", "muster/rpi-7/cmd", ["hub", ...people]],
  ["muster/rpi-7/refused", "muster/rpi-7/refused", ["rpi-7", "hub", ...people]],
  ["muster/rpi-7/metrics/#", "muster/rpi-7/metrics/cpu/deep", ["hub", ...people]],
  ["muster/rpi-7/file-up/+", "muster/rpi-7/file-up/42", ["hub"]],
  ["muster/rpi-7/file-down/+", "muster/rpi-7/file-down/42", ["rpi-7", "hub"]],
  ["muster/#", "muster/rpi-7/file-up/42", ["hub"]],
  ["muster/+/file-down/#", "muster/rpi-9/file-down/42", ["hub"]],
  ["muster/#", "muster/rpi-7/metrics", ["hub", ...people]],
  ["#", "muster/rpi-7/metrics", ["hub", ...people]],
];

const principals: Principal[] = Object.entries(accounts).map(([name, role]) => ({ name, role }));

suite("access: the table", ({ test }) => {
  const access = new Access("muster");

  test("says who may publish", () => {
    for (const [topic, names] of writers) {
      assert.equal(
        principals.filter((one) => access.mayPublish(one, topic)).map(({ name }) => name),
        sorted(names),
        topic,
      );
    }
  });

  test("says who may subscribe and receive", () => {
    for (const [filter, topic, names] of readers) {
      const may = principals.filter((one) => access.maySubscribe(one, filter) && access.mayReceive(one, topic));
      assert.equal(
        may.map(({ name }) => name),
        sorted(names),
        `${filter} for ${topic}`,
      );
    }
  });

  test("a device subscribes nothing wider than its own", () => {
    const device: Principal = { name: "rpi-7", role: "device" };
    for (const filter of [
      "#",
      "muster/#",
      "muster/+/cmd/+",
      "muster/rpi-7/#",
      "muster/rpi-7/+",
      "muster/rpi-7/cmd/#",
      "$SYS/#",
      "+/rpi-7/ack",
    ]) {
      assert.is(access.maySubscribe(device, filter), false, filter);
    }
  });

  test("who is limited to groups reaches their devices and what is of none", () => {
    const groups: Readonly<Record<string, readonly string[]>> = { "rpi-7": ["lab", "roof"], "rpi-8": ["field"] };
    const limited = new Access("muster", (device) => groups[device] ?? []);
    const kinds = ["status", "metrics", "metrics/cpu/deep", "ack", "cmd", "cmd/42", "reply/42", "refused"];
    for (const role of ["viewer", "operator", "admin"] as const) {
      const ann: Principal = { name: "ann", role, groups: ["lab"] };
      for (const kind of kinds) {
        assert.is(limited.mayReceive(ann, `muster/rpi-7/${kind}`), true, kind);
        for (const other of ["rpi-8", "rpi-9", "ann"])
          assert.is(limited.mayReceive(ann, `muster/${other}/${kind}`), false, kind);
      }
      for (const topic of ["muster/console/status", "muster/console/stats/devices", "$SYS/broker/uptime"])
        assert.is(limited.mayReceive(ann, topic), true, topic);
      // Aedes and Mosquitto name clients in these, and so devices.
      for (const topic of [
        "$SYS/7c1f/new/clients",
        "$SYS/7c1f/disconnect/clients",
        "$SYS/broker/log/N",
        "$SYS/broker/connection/rpi-8/state",
        "muster/console/alerts/1",
      ])
        assert.is(limited.mayReceive(ann, topic), false, topic);
      for (const [topic] of sysTopics(stats)) assert.is(limited.mayReceive(ann, topic), true, topic);
      for (const topic of ["muster/answers/ann", "muster/rpi-7/other", "muster/rpi-7/cmd/42/x", "muster", "x"])
        assert.is(limited.mayReceive(ann, topic), false, topic);
      for (const device of ["rpi-7", "rpi-8"])
        for (const kind of ["cmd", "cmd/42"])
          assert.is(
            limited.mayPublish(ann, `muster/${device}/${kind}`),
            role !== "viewer" && device === "rpi-7",
            `${role} ${device}`,
          );
      for (const filter of ["#", "muster/#", "muster/+/status", "muster/rpi-7/#", "+/rpi-8/status", "$SYS/#"])
        assert.is(limited.maySubscribe(ann, filter), true, filter);
      for (const filter of ["muster/rpi-8/#", "muster/rpi-9/status", "muster/answers/ann"])
        assert.is(limited.maySubscribe(ann, filter), false, filter);
      assert.is(limited.mayReceive({ ...ann, groups: [] }, "muster/rpi-7/status"), false);
    }
  });

  test("another root moves every rule", () => {
    const moved = new Access("site/a");
    const device: Principal = { name: "rpi-7", role: "device" };
    assert.is(moved.mayPublish(device, "site/a/rpi-7/metrics"), true);
    assert.is(moved.mayPublish(device, "muster/rpi-7/metrics"), false);
    assert.match(renderAcl("site/a", []), "pattern write site/a/%u/metrics\n");
  });

  test("a name that would write lines of its own is refused", () => {
    for (const name of [
      "a\nuser b",
      "a\ruser b",
      "a:b",
      "",
      "a b",
      "#",
      "a+",
      "+",
      "a/b",
      "%u",
      "a%c",
      "$SYS",
      "ann~2",
    ]) {
      assert.throws(() => renderAcl("muster", [{ name, role: "admin" }]), /cannot be a user/);
      assert.throws(() => renderPasswords([{ name, role: "admin", hash: "$7$1$a$b" }]), /cannot be a user/);
    }
  });
});

/** Gives the URL of a broker that knows `accounts`. */
type Start = (scope: Scope) => Promise<string>;

enforcedBy("the embedded broker", async (scope) => (await startBroker(scope)).url);
enforcedBy("mosquitto with the shipped settings", async (scope) => {
  const known = principals.map(({ name, role }) => ({ name, role, secret: name }));
  return (await startMosquitto(scope, { accounts: known })).url;
});

function enforcedBy(broker: string, start: Start): void {
  suite(`access: enforced by ${broker}`, ({ before, test }) => {
    let clients: Map<string, MqttClient>;
    let url: string;

    before(async (scope) => {
      url = await start(scope);
      clients = new Map();
      for (const name of everybody) clients.set(name, await login(scope, url, name));
    });

    const client = (name: string): MqttClient => {
      const found = clients.get(name);
      if (!found) throw new Error(`no client ${name}`);
      return found;
    };

    test("a message gets through from those who may publish, and from nobody else", async () => {
      for (const [topic, names] of writers) {
        const arrived = untilMarker(client("hub"), topic);
        await client("hub")
          .subscribeAsync([topic, "muster/console/end"])
          .catch(() => {});
        for (const name of everybody) client(name).publish(topic, name, { qos: 1 });
        // A connection's messages are taken in order: when the last is acknowledged all before it are through.
        await Promise.all(everybody.map((name) => client(name).publishAsync(lastWord(name), name, { qos: 1 })));
        await client("hub").publishAsync("muster/console/end", marker, { qos: 1 });
        assert.equal(sorted(await arrived), sorted(names), topic);
        await client("hub").unsubscribeAsync([topic, "muster/console/end"]);
      }
    });

    test("a message gets through to those who may read, and to nobody else", async () => {
      for (const [filter, topic, names] of readers) {
        const filters = [...new Set([filter, "muster/console/status"])];
        await Promise.all(
          everybody.map((name) =>
            client(name)
              .subscribeAsync(filters)
              .catch(() => {}),
          ),
        );
        const arrivals = everybody.map((name) => untilMarker(client(name), topic));
        await client("hub").publishAsync(topic, "for you", { qos: 1 });
        await client("hub").publishAsync("muster/console/status", marker, { qos: 1 });
        const got = await Promise.all(arrivals);
        assert.equal(
          everybody.filter((_, at) => got[at]?.includes("for you")),
          sorted(names),
          `${filter} for ${topic}`,
        );
        await Promise.all(everybody.map((name) => client(name).unsubscribeAsync(filters)));
      }
    });

    test("people read the broker's statistics, devices do not", async (scope) => {
      for (const name of ["vera", "rpi-8"]) {
        const reader = await login(scope, url, name);
        const version = new Promise<string>((resolve) => reader.once("message", (topic) => resolve(topic)));
        await reader.subscribeAsync("$SYS/broker/version").catch(() => {});
        if (name === "vera") assert.is(await withDeadline(version, 20, "$SYS"), "$SYS/broker/version");
        else
          assert.is(
            await Promise.race([
              version,
              reader.publishAsync("muster/rpi-8/status", "", { qos: 1 }).then(() => "none"),
            ]),
            "none",
          );
      }
    });

    test("nobody comes in without the right secret", async (scope) => {
      for (const login of [
        {},
        { username: "olaf" },
        { username: "olaf", password: "wrong" },
        { username: "nobody", password: "x" },
      ]) {
        const refused = mqtt.connect(url, {
          ...login,
          protocolVersion: 4,
          reconnectPeriod: 0,
          reconnectOnConnackError: false,
        });
        scope.cleanup(() => refused.endAsync(true));
        const outcome = new Promise<string>((resolve) => {
          refused.once("connect", () => resolve("let in"));
          refused.once("error", (error) => resolve(error.message));
        });
        assert.match(await withDeadline(outcome, 20, "the refusal"), /refused/i);
      }
    });
  });
}

const marker = "that is all";

/** A topic on which this one's message is allowed. */
function lastWord(name: string): string {
  return accounts[name] === "device" ? `muster/${name}/status` : "muster/rpi-7/cmd";
}

/** The payloads that come on `topic` before the marker does. */
function untilMarker(reader: MqttClient, topic: string): Promise<string[]> {
  const got: string[] = [];
  const done = new Promise<string[]>((resolve) => {
    reader.on("message", function listener(on, payload) {
      if (payload.toString() === marker) {
        reader.removeListener("message", listener);
        resolve(got);
      } else if (on === topic) got.push(payload.toString());
    });
  });
  return withDeadline(done, 20, `the marker after ${topic}`);
}

/** In the order of `accounts`. */
function sorted(names: readonly string[]): string[] {
  return everybody.filter((name) => names.includes(name));
}
