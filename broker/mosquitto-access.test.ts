import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import mqtt, { type MqttClient } from "mqtt";
import * as assert from "uvu/assert";
import { hashSecret, rounds } from "#shared/password";
import { seats, seatsOf, type Role } from "#shared/principal";
import { login, rawConnect, rawConnection, untilClosed } from "../test/broker.ts";
import { startMosquitto } from "../test/mosquitto.ts";
import { suite, withDeadline, type Scope } from "../test/suite.ts";
import { writeMosquittoFiles } from "./mosquitto-files.ts";
import { maxMosquittoDevices, maxMosquittoRounds, renderAcl, renderPasswords } from "./mosquitto-access.ts";

const people: readonly (readonly [name: string, role: Role])[] = [
  ["console", "console"],
  ["rpi-7", "device"],
  ["rpi-8", "device"],
  ["ann", "operator"],
  ["Vera", "viewer"],
];

suite("mosquitto's files and groups", ({ test }) => {
  test("who is limited to groups has a few lines for each device, up to a number", () => {
    const devices = (count: number): string[] => Array.from({ length: count }, (_, at) => `d-${at}`);
    const ann = { name: "ann", role: "operator", groups: ["lab"], hash: hashSecret("x", rounds.generated) } as const;
    const most = { ...ann, devices: devices(maxMosquittoDevices) };
    const acl = renderAcl("muster", [most]);
    assert.ok(acl.includes(`topic read muster/d-${maxMosquittoDevices - 1}/#\n`));
    assert.ok(acl.includes("topic write muster/d-0/cmd/+\n") && acl.includes("topic read muster/console/status\n"));
    assert.not.ok(acl.includes("topic read muster/#"));
    assert.not.ok(acl.includes("topic read $SYS/#"), "clients are named there");
    assert.ok(acl.includes("topic read $SYS/broker/clients/+\n"));
    assert.is(renderPasswords([most]).split("\n").length, seats + 1);
    for (const not of [{ ...ann, devices: devices(maxMosquittoDevices + 1) }, ann]) {
      assert.is(renderPasswords([not]), "");
      assert.not.ok(renderAcl("muster", [not]).includes("user ann"));
    }
    assert.not.ok(
      renderAcl("muster", [{ ...ann, devices: ["+", "#", "a\ntopic read #"] }]).includes("topic read muster/+"),
    );
  });
});

suite("mosquitto and who is limited to groups", ({ test }) => {
  test("of its word about itself they read the numbers, and what names nobody", async (scope) => {
    const accounts = [
      { name: "ann", role: "viewer", secret: "ann", groups: ["lab"], devices: ["rpi-7"] },
      { name: "Vera", role: "viewer", secret: "Vera" },
      { name: "rpi-8", role: "device", secret: "rpi-8" },
    ] as const;
    const { url } = await startMosquitto(scope, { accounts, settings: "log_dest topic\nsys_interval 1" });
    const counts = ["$SYS/broker/retained messages/count", "$SYS/broker/uptime"];
    /** @param wanted topics after whose last one it is enough */
    const hear = async (name: string, wanted: readonly string[]) => {
      const client = await login(scope, url, name, { clientId: name });
      const topics = new Set<string>();
      const until = new Promise<void>((resolve) => {
        client.on("message", (topic) => {
          topics.add(topic);
          if (wanted.every((one) => topics.has(one))) resolve();
        });
      });
      await client.subscribeAsync("$SYS/#");
      return { topics, until };
    };
    const ann = await hear("ann", counts);
    const vera = await hear("Vera", [...counts, "$SYS/broker/log/N"]);
    await login(scope, url, "rpi-8", { clientId: "rpi-8" });
    await withDeadline(Promise.all([ann.until, vera.until]), 30, "its numbers");
    assert.equal(
      [...ann.topics].filter((topic) => topic.startsWith("$SYS/broker/log/")),
      [],
    );
  });
});

suite("mosquitto with the shipped settings", ({ before, test }) => {
  let url: string;

  before(async (scope) => {
    const accounts = people.map(([name, role]) => ({ name, role, secret: name }));
    ({ url } = await startMosquitto(scope, { accounts }));
  });

  const seated = (scope: Scope, name: string, clientId: string, more: mqtt.IClientOptions = {}): Promise<MqttClient> =>
    login(scope, url, name, { clientId, password: name.split("~")[0] ?? "", ...more });

  test("nobody takes another's place, whatever client id is asked for", async (scope) => {
    const held = await Promise.all(people.map(([name]) => seated(scope, name, name)));
    for (const [thief] of people) {
      // Its own former connection goes: a name has one.
      for (const [name] of people) await seated(scope, thief, name, { clean: false });
      const rest = held.filter((_, at) => people[at]?.[0] !== thief);
      await Promise.all(rest.map((client) => client.publishAsync("muster/nobody/reply/1", "", { qos: 1 })));
      assert.ok(
        rest.every(({ connected }) => connected),
        `${thief} has closed another's connection`,
      );
      const at = people.findIndex(([name]) => name === thief);
      held[at] = await seated(scope, thief, thief);
    }
  });

  test(`a person has ${seats} connections at once, and the next one closes that of its name`, async (scope) => {
    const names = seatsOf("ann");
    const clients = await Promise.all(names.map((name) => seated(scope, name, "tool")));
    assert.ok(clients.every(({ connected }) => connected));
    const closed = clients.map((client) => new Promise<number>((resolve) => client.once("close", () => resolve(1))));
    await seated(scope, "ann~2", "another");
    await withDeadline(closed[1] ?? Promise.resolve(0), 20, "the end of the connection before");
    assert.equal(
      clients.map(({ connected }) => connected),
      names.map((name) => name !== "ann~2"),
    );
    await assertRefused(scope, url, `ann~${seats + 1}`, "ann");
  });

  test("a will on another's topic is not published", async (scope) => {
    const hub = await seated(scope, "console", "console");
    const heard: string[] = [];
    const own = new Promise<void>((resolve) =>
      hub.on("message", (topic) => {
        heard.push(topic);
        if (topic === "muster/rpi-7/status") resolve();
      }),
    );
    await hub.subscribeAsync("muster/#", { qos: 1 });
    for (const topic of ["muster/rpi-8/status", "muster/console/status", "muster/rpi-7/status"]) {
      const will = { topic, payload: Buffer.from("gone"), qos: 1 as const, retain: true };
      (await seated(scope, "rpi-7", "rpi-7", { will })).stream.destroy();
    }
    await withDeadline(own, 20, "the device's own will");
    assert.equal(heard, ["muster/rpi-7/status"]);
  });

  test("a hundred wrong logins hold nobody up: a name's hash costs few rounds, a stranger's none", async (scope) => {
    const healthy = await seated(scope, "rpi-7", "rpi-7");
    const dear = timed(() => hashSecret("x", rounds.person));
    const { port } = new URL(url);
    for (const name of ["ann", "nobody"]) {
      const sockets = await Promise.all(Array.from({ length: 100 }, () => rawConnection(scope, Number(port))));
      const refused = Promise.all(sockets.map((socket) => untilClosed(socket)));
      for (const socket of sockets) socket.write(rawConnect("", name, { password: "wrong" }));
      let worst = 0;
      while (sockets.some(({ closed }) => !closed)) {
        const sent = performance.now();
        await healthy.publishAsync("muster/rpi-7/reply/1", "", { qos: 1 });
        worst = Math.max(worst, performance.now() - sent);
      }
      assert.ok(
        (await refused).every((answer) => answer[0] === 0x20 && answer[3] !== 0),
        "every login is refused",
      );
      // With the password's hash it would be a hundred times as long as one of them.
      assert.ok(worst < 25 * dear, `${name}: a healthy client waited ${worst} ms; one dear hash takes ${dear} ms`);
    }
  });

  test("a shared subscription takes nothing from others, and gives a device nothing that is not its own", async (scope) => {
    const got = new Map<string, number>();
    const reader = async (name: string, filter: string): Promise<void> => {
      const client = await seated(scope, name, name, { protocolVersion: 5 });
      client.on("message", (topic) => {
        if (topic === "muster/rpi-7/cmd/1") got.set(name, (got.get(name) ?? 0) + 1);
        if (topic === "muster/console/status") done.get(name)?.();
      });
      await client.subscribeAsync([filter, "muster/console/status"], { qos: 1 });
    };
    const done = new Map<string, () => void>();
    const readers = ["rpi-7", "rpi-8", "Vera"];
    const through = readers.map((name) => new Promise<void>((resolve) => done.set(name, resolve)));
    await reader("rpi-7", "muster/rpi-7/cmd/+");
    await reader("Vera", "$share/theft/muster/#");
    await reader("rpi-8", "$share/other/muster/rpi-7/cmd/+");
    const hub = await seated(scope, "console", "console");
    for (let turn = 0; turn < 10; turn++) await hub.publishAsync("muster/rpi-7/cmd/1", "task", { qos: 1 });
    await hub.publishAsync("muster/console/status", "end", { qos: 1 });
    await withDeadline(Promise.all(through), 20, "the last message");
    assert.equal(
      [...got],
      [
        ["rpi-7", 10],
        ["Vera", 10],
      ],
    );
  });
});

suite("mosquitto's files", ({ test }) => {
  test(`a hash of more than ${maxMosquittoRounds} rounds is not in the password file`, () => {
    const lines = [maxMosquittoRounds, maxMosquittoRounds + 1, rounds.person].map((count, at) =>
      renderPasswords([{ name: `rpi-${at}`, role: "device", hash: `$7$${count}$c2FsdA==$aGFzaA==` }]),
    );
    assert.equal(lines, [`rpi-0:$7$${maxMosquittoRounds}$c2FsdA==$aGFzaA==\n`, "", ""]);
  });

  test("each is replaced as a whole, only its owner reads it, and who is left out is named", async (scope) => {
    const directory = join(await scope.directory(), "mosquitto");
    const cheap = { name: "rpi-7", role: "device" as const, hash: hashSecret("x", rounds.generated) };
    for (const accounts of [[cheap], [cheap, { ...cheap, name: "rpi-8", hash: `$7$${rounds.person}$a$b` }]])
      assert.equal(await writeMosquittoFiles(directory, "muster", accounts), accounts.length > 1 ? ["rpi-8"] : []);
    assert.equal(readdirSync(directory).sort(), ["acl", "passwd"]);
    for (const name of ["acl", "passwd"]) assert.is(statSync(join(directory, name)).mode & 0o777, 0o600);
    assert.is(statSync(directory).mode & 0o027, 0);
    assert.is(readFileSync(join(directory, "passwd"), "utf8"), `rpi-7:${cheap.hash}\n`);
  });

  test("a name that cannot stand in them leaves them as they were", async (scope) => {
    const directory = await scope.directory();
    const bad = { name: "a:b", role: "viewer" as const, hash: "$7$101$a$b" };
    const why = await writeMosquittoFiles(directory, "muster", [bad]).then(() => "", String);
    assert.match(why, /cannot be a user/);
    assert.not(existsSync(join(directory, "passwd")));
  });
});

/** Milliseconds that `work` takes. */
function timed(work: () => unknown): number {
  const began = performance.now();
  work();
  return performance.now() - began;
}

async function assertRefused(scope: Scope, url: string, username: string, password: string): Promise<void> {
  const client = mqtt.connect(url, { username, password, protocolVersion: 4, reconnectPeriod: 0 });
  scope.cleanup(() => client.endAsync(true));
  const outcome = new Promise<string>((resolve) => {
    client.once("connect", () => resolve("let in"));
    client.once("error", ({ message }) => resolve(message));
  });
  assert.match(await withDeadline(outcome, 20, "the refusal"), /not authorized/i);
}
