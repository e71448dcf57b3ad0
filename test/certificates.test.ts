import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:tls";
import { MqttClient } from "mqtt";
import * as assert from "uvu/assert";
import { ManualClock, systemClock } from "#shared/clock";
import { fingerprintOf } from "#shared/pinned-ca";
import { connectDeadline, MosquittoSide } from "../broker/mosquitto-side.ts";
import { rewriteMosquittoFiles } from "../commands/compose/keep-mosquitto.ts";
import { issueServer } from "../tls/issuing.ts";
import { serveApi } from "./api-server.ts";
import { startCertified, type Certified } from "./certified.ts";
import { brokerKinds, startFleet, type BrokerKind } from "./fleet.ts";
import { runProgram, Running, type Finished } from "./programs.ts";
import { eventually, suite, type Scope } from "./suite.ts";

interface Own {
  readonly key: string;
  readonly pem: string;
}

/** What a machine keeps of its certificates. */
async function keptIn(
  data: string,
): Promise<{ current?: Own & { due: number }; next?: Partial<Own> & { key: string } }> {
  return JSON.parse(await readFile(join(data, "agent/certificate.json"), "utf8")) as never;
}

function serialOf({ pem }: Own): string {
  return new X509Certificate(pem).serialNumber;
}

/** Waits until somebody is let in, or not: Mosquitto reads its files a moment after they have changed. */
async function untilTaken(isTaken: boolean, ...asked: Parameters<typeof publish>): Promise<void> {
  const what = isTaken ? "it is let in" : "it is let in no more";
  await eventually(what, async () => ((await publish(...asked)).code === 0) === isTaken);
}

/** Milliseconds within which the connection of whom is taken away is to end. It takes some 100; a machine that is busy with other tests has more. */
const promised = 1_000;

/** Does it again, at most three times, until it takes no longer than is {@link promised}. @param once how many milliseconds it took */
async function assertSoon(what: string, once: (attempt: number) => Promise<number>): Promise<void> {
  const took: number[] = [];
  while (took.length < 3 && !took.some((ms) => ms <= promised)) took.push(Math.round(await once(took.length)));
  assert.ok(Math.min(...took) <= promised, `${what} after ${took.join(", ")} ms`);
}

/** At Mosquitto nobody is told why. */
async function assertTold(kind: BrokerKind, { whys }: Certified, why: RegExp, what: string): Promise<void> {
  if (kind !== "embedded") return;
  const told = await whys();
  assert.ok(
    told.some((one) => why.test(one)),
    `${what}: ${told.join("\n")}`,
  );
}

/** Publishes as somebody with mosquitto's own program, by TLS. */
async function publish(
  scope: Scope,
  { tls, port, passwordPort }: Certified,
  { own, more = [], device = "rpi-7" }: { own?: Own; more?: readonly string[]; device?: string },
): Promise<Finished> {
  const directory = await scope.directory();
  const files = { "own.crt": own?.pem, "own.key": own?.key };
  for (const [name, text] of Object.entries(files))
    if (text !== undefined) await writeFile(join(directory, name), text);
  const shown = own ? ["--cert", join(directory, "own.crt"), "--key", join(directory, "own.key")] : [];
  const to = ["-t", `muster/${device}/metrics/room`, "-m", '{"value":21.5}', "-q", "1", "-i", device];
  return runProgram("mosquitto_pub", [
    "-h",
    "127.0.0.1",
    "-p",
    String(own ? port : passwordPort),
    "--cafile",
    tls.cafile,
    ...shown,
    ...more,
    ...to,
  ]);
}

for (const kind of brokerKinds)
  suite(`devices' certificates over ${kind}`, ({ test }) => {
    test("a device joins, logs in and is taken by its certificate alone; who has a secret goes on by that", async (scope) => {
      const place = await startCertified(scope, kind);
      const data = await place.join("rpi-7");
      const agent = place.agent("rpi-7", data);
      await place.sees("rpi-7", true);
      await eventually("its samples", () => place.console.registry.latest("rpi-7").length > 0);
      const { joined } = JSON.parse(await readFile(join(data, "agent/identity.json"), "utf8")) as {
        joined: { secret: string };
      };
      const { current: own } = await keptIn(data);
      assert.ok(own);
      const { validTo, issuer } = new X509Certificate(own.pem);
      const identity = { by: "certificate", until: Date.parse(validTo), authority: issuer.replace("CN=", "") };
      assert.equal((await place.client.getDevice("rpi-7")).identity, identity);
      assert.equal((await place.client.listDevices()).devices[0]?.identity, identity);
      const secret = place.state.accounts.set("esp-1", "device");
      await untilTaken(true, scope, place, { device: "esp-1", more: ["-u", "esp-1", "-P", secret] });
      // It comes again for its place, and would end the connection of who is just publishing.
      await agent.stop();
      const cases: [string, Parameters<typeof publish>[2], RegExp | undefined][] = [
        ["its certificate", { own }, undefined],
        ["its certificate and its name", { own, more: ["-u", "rpi-7"] }, undefined],
        ["a user name and a password", { device: "esp-1", more: ["-u", "esp-1", "-P", secret] }, undefined],
        [
          "its certificate and another's name and password",
          { own, device: "esp-1", more: ["-u", "esp-1", "-P", secret] },
          // Mosquitto takes it as who the certificate is of, and publishes nothing of the other's.
          kind === "embedded" ? /the certificate of "rpi-7" came with the user name "esp-1"/ : undefined,
        ],
        [
          "the secret that it joined with",
          { more: ["-u", "rpi-7", "-P", joined.secret] },
          /wrong user name or password for "rpi-7"/,
        ],
        ["nothing", {}, /nobody comes in without/],
      ];
      for (const [what, given, why] of cases) {
        const { code, err } = await publish(scope, place, given);
        assert.is(code === 0, why === undefined, `${what}: ${err}`);
        if (why) await assertTold(kind, place, why, what);
      }
    });

    test("a certificate of somebody else, of a server or that is over lets nobody in, and it is said why", async (scope) => {
      const place = await startCertified(scope, kind);
      await place.join("rpi-7");
      const device = "rpi-7";
      const { generateKeyPairSync } = await import("node:crypto");
      const { issueDevice, makeAuthority } = await import("../tls/issuing.ts");
      const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const key = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
      const pair = JSON.parse(await readFile(join(place.tls.data, "tls/devices.json"), "utf8")) as {
        key: string;
        cert: string;
      };
      const later = Date.now() + 86_400_000;
      const stranger = await makeAuthority({ notAfter: later });
      const server = await issueServer(pair, ["rpi-7"], Date.now());
      const cases: [string, Own, RegExp][] = [
        [
          "a stranger's",
          { key, pem: await issueDevice(stranger, device, publicKey, later) },
          /not of this Muster's authority/,
        ],
        [
          "the servers' authority's",
          { key, pem: await issueDevice(place.tls.authority.signing, device, publicKey, later) },
          /not of this/,
        ],
        ["a server's", { key: server.key, pem: server.cert }, /none for clients/],
        [
          "one that is over",
          { key, pem: await issueDevice(pair, device, publicKey, Date.now() - 1_000) },
          /is over by this machine's clock/,
        ],
      ];
      // Mosquitto cannot ask the console's books: it takes whatever the authority has signed and not revoked.
      if (kind === "embedded") {
        const pem = await issueDevice(pair, device, publicKey, later);
        cases.push(["one that was never issued", { key, pem }, /is not known here/]);
      }
      for (const [what, own, why] of cases) {
        const { code } = await publish(scope, place, { own });
        assert.is.not(code, 0, what);
        await assertTold(kind, place, why, what);
      }
    });

    test("one that is due is renewed over the connection, and the one of before ends once the new one has connected", async (scope) => {
      const place = await startCertified(scope, kind);
      const data = await place.join("rpi-7");
      const first = place.agent("rpi-7", data);
      await place.sees("rpi-7", true);
      await first.stop();
      const { current: before } = await keptIn(data);
      assert.ok(before);
      // Two thirds of its life ago, by the books of both.
      place.state.database.prepare("UPDATE certificates SET issued = 0 WHERE serial = ?").run(serialOf(before));
      await writeFile(join(data, "agent/certificate.json"), JSON.stringify({ v: 1, current: { ...before, due: 0 } }));
      place.agent("rpi-7", data);
      const stateOf = (own: Own): string | undefined => place.state.certificates.find(serialOf(own))?.state;
      await eventually("the renewal", () => stateOf(before) === "replaced");
      const { current: after, next } = await keptIn(data);
      assert.ok(after && after.pem !== before.pem && after.key !== before.key && after.due > Date.now());
      assert.is(next, undefined);
      assert.is(stateOf(after), "used");
      await place.sees("rpi-7", true);
      await untilTaken(false, scope, place, { own: before });
      await assertTold(kind, place, /was replaced by a newer one/, "the one of before");
    });

    test("a revoked one ends the connection at once and lets nobody in, until the device is enrolled again", async (scope) => {
      const place = await startCertified(scope, kind);
      const data = await place.join("rpi-7");
      let agent = place.agent("rpi-7", data);
      await place.sees("rpi-7", true);
      const at = [
        "-oL",
        "mosquitto_sub",
        "-h",
        "127.0.0.1",
        "-p",
        String(place.passwordPort),
        "--cafile",
        place.tls.cafile,
      ];
      const byName = ["-u", "esp-1", "-P", place.state.accounts.set("esp-1", "device")];
      await untilTaken(true, scope, place, { device: "esp-1", more: byName });
      const login = [...byName, "-i", "esp-1"];
      const stays = new Running(scope, "stdbuf", at.concat(login, "-d", "-t", "muster/esp-1/ack"));
      await stays.line(/Subscribed/);
      let old: Own | undefined;
      await assertSoon("a revocation ends it", async (attempt) => {
        if (attempt > 0) {
          await agent.stop();
          await place.join("rpi-7", { data });
          agent = place.agent("rpi-7", data);
          await place.sees("rpi-7", true);
        }
        old = (await keptIn(data)).current;
        const asked = performance.now();
        await place.client.revokeCertificate("rpi-7");
        await place.sees("rpi-7", false);
        return performance.now() - asked;
      });
      assert.ok(old);
      if (kind === "embedded")
        await eventually("its next try", async () =>
          (await place.whys()).some((why) => why.includes("this certificate of rpi-7 was revoked")),
        );
      await untilTaken(false, scope, place, { own: old });
      await agent.stop();
      assert.is((await place.client.getDevice("rpi-7")).identity?.by, "none");
      await assertRefused(place.client.revokeCertificate("rpi-7"));

      await place.join("rpi-7", { data });
      place.agent("rpi-7", data);
      await place.sees("rpi-7", true);
      await untilTaken(false, scope, place, { own: old });
      const { current: own } = await keptIn(data);
      assert.ok(own);

      // Whoever takes an account away, or gives it a secret, ends its certificates as well.
      const secret = place.state.accounts.set("rpi-7", "device");
      await place.sees("rpi-7", false);
      await untilTaken(false, scope, place, { own });
      await untilTaken(true, scope, place, { more: ["-u", "rpi-7", "-P", secret] });
      assert.is((await place.client.getDevice("rpi-7")).identity?.by, "secret");
      assert.is(stays.lines.filter((line) => line.includes("CONNACK")).length, 1);
      const what = place.state.database.prepare("SELECT what FROM audit WHERE object = 'rpi-7' ORDER BY n").all() as {
        what: string;
      }[];
      for (const word of ["certificate.issued", "certificate.revoked"])
        assert.ok(
          what.some((one) => one.what === word),
          word,
        );

      await assertSoon("a removal ends it", async (attempt) => {
        const device = `esp-${attempt + 2}`;
        const password = place.state.accounts.set(device, "device");
        await untilTaken(true, scope, place, { device, more: ["-u", device, "-P", password] });
        await eventually(`${device} is known`, () => place.console.registry.get(device));
        const tool = connect({ host: "127.0.0.1", port: place.passwordPort, ca: place.tls.authority.caBundle() });
        const client = new MqttClient(() => tool, { clientId: device, username: device, password, reconnectPeriod: 0 });
        scope.cleanup(() => client.endAsync(true));
        await new Promise<void>((resolve) => client.once("connect", () => resolve()));
        const gone = once(tool, "close");
        const asked = performance.now();
        await place.client.removeDevice(device);
        await gone;
        return performance.now() - asked;
      });
    });

    test("a device whose connection ended without a will is known as offline, and stands so at the broker", async (scope) => {
      const place = await startCertified(scope, kind);
      const { next } = await keptIn(await place.join("rpi-7"));
      assert.ok(next?.pem);
      const ca = place.tls.authority.caBundle();
      const own = { ca, cert: next.pem, key: next.key };
      const device = new MqttClient(() => connect({ host: "127.0.0.1", port: place.port, ...own }), {
        clientId: "rpi-7",
        reconnectPeriod: 0,
      });
      scope.cleanup(() => device.endAsync(true));
      await new Promise<void>((resolve) => device.once("connect", () => resolve()));
      const birth = { v: 1, online: true, boot: "b1", session: "s1", ts: Date.now() };
      await device.publishAsync("muster/rpi-7/status", JSON.stringify(birth), { qos: 1, retain: true });
      await place.sees("rpi-7", true);
      await place.client.revokeCertificate("rpi-7");
      await place.sees("rpi-7", false);
      assert.is(place.console.registry.get("rpi-7")?.reason, "let in no more");
      place.state.accounts.set("ann", "viewer", "correct horse");
      const login = ["-u", "ann", "-P", place.state.mqttSecrets.issue("ann")];
      const to = ["-h", "127.0.0.1", "-p", String(place.passwordPort), "--cafile", place.tls.cafile, ...login];
      const asked = [...to, "-t", "muster/rpi-7/status", "-C", "1", "-W", "20"];
      let kept = "";
      await eventually("what stands there", async () => {
        kept = (await runProgram("mosquitto_sub", asked)).out;
        return kept.includes('"online":false');
      });
      assert.is((JSON.parse(kept) as { session: string }).session, "s1");
    });

    test("their authority is rotated: each renews, also one that was away, and then the old one and who was left behind end", async (scope) => {
      const place = await startCertified(scope, kind);
      const { client, console } = place;
      const directories = { "rpi-7": await place.join("rpi-7"), "rpi-8": await place.join("rpi-8") };
      place.agent("rpi-7", directories["rpi-7"]);
      const away = place.agent("rpi-8", directories["rpi-8"]);
      for (const device of ["rpi-7", "rpi-8"]) await place.sees(device, true);
      await away.stop();
      await place.sees("rpi-8", false);
      const { next: left } = await keptIn(await place.join("rpi-9"));
      assert.ok(left?.pem);
      const own = { key: left.key, pem: left.pem };
      const old = JSON.parse(await readFile(join(place.tls.data, "tls/devices.json"), "utf8")) as Own & {
        cert: string;
      };
      const tool = connect({
        host: "127.0.0.1",
        port: place.port,
        ca: place.tls.authority.caBundle(),
        cert: own.pem,
        key: own.key,
      });
      const stays = new MqttClient(() => tool, { clientId: "rpi-9", reconnectPeriod: 0 });
      scope.cleanup(() => stays.endAsync(true));
      await new Promise<void>((resolve) => stays.once("connect", () => resolve()));
      const gone = once(tool, "close");

      const begun = await client.rotateDevicesTls();
      assert.is(begun.before?.fingerprint, fingerprintOf(new X509Certificate(old.cert)));
      assert.equal([begun.have, begun.lacking], [0, ["rpi-7", "rpi-8", "rpi-9"]]);
      assert.match(await client.rotateDevicesTls().then(String, String), /has begun already/);
      await eventually("rpi-7 renews", () => !console.deviceRotation.state.lacking.includes("rpi-7"));
      assert.match(
        await client.finishDevicesTls({ leaveBehind: false }).then(String, String),
        /2 devices have .*rpi-8, rpi-9/,
      );

      place.agent("rpi-8", directories["rpi-8"]);
      await eventually(
        "rpi-8 comes by the old one, and renews",
        () => !console.deviceRotation.state.lacking.includes("rpi-8"),
      );
      for (const device of ["rpi-7", "rpi-8"] as const) {
        const { current } = await keptIn(directories[device]);
        assert.is((await client.getDevice(device)).identity?.authority, begun.present.name);
        assert.match(new X509Certificate(current?.pem ?? "").issuer, begun.present.name);
        await place.sees(device, true);
      }
      await untilTaken(true, scope, place, { own, device: "rpi-9", more: ["-i", "rpi-9"] });

      const { generateKeyPairSync } = await import("node:crypto");
      const { issueDevice } = await import("../tls/issuing.ts");
      const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const key = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
      const forged = { key, pem: await issueDevice(old, "rpi-7", publicKey, Date.now() + 86_400_000) };
      const ended = await client.finishDevicesTls({ leaveBehind: true });
      assert.equal([ended.before, ended.lacking, ended.have], [null, [], 2]);
      await gone;
      await untilTaken(false, scope, place, { own, device: "rpi-9" });
      await untilTaken(false, scope, place, { own: forged });
      await assertTold(kind, place, /not of this Muster's authority/, "the old one's");
      for (const device of ["rpi-7", "rpi-8"]) await place.sees(device, true);
      place.agent("rpi-9", await place.join("rpi-9", { data: await scope.directory() }));
      await place.sees("rpi-9", true);
      const noted = new Set((await client.listAudit({ what: "tls" })).entries.map(({ what }) => what));
      for (const what of ["tls.devices-rotated", "tls.devices-rotation-ended"]) assert.ok(noted.has(what), what);
    });
  });

suite("devices' certificates elsewhere", ({ test }) => {
  test("at Mosquitto who has begun a connection before the revocation, and says CONNECT after, says nothing to anybody", async (scope) => {
    const place = await startCertified(scope, "mosquitto");
    const { next } = await keptIn(await place.join("rpi-7"));
    assert.ok(next?.pem);
    const own = { key: next.key, pem: next.pem };
    const ca = place.tls.authority.caBundle();
    const socket = connect({ host: "127.0.0.1", port: place.port, ca, cert: own.pem, key: own.key });
    scope.cleanup(() => void socket.destroy());
    await once(socket, "secureConnect");
    await place.client.revokeCertificate("rpi-7");
    await untilTaken(false, scope, place, { own });
    await eventually("the rules", async () =>
      (await readFile(join(place.tls.data, "mosquitto/acl"), "utf8")).includes("user rpi-7\n"),
    );
    // Whatever Mosquitto has to read it has read before it lets a newcomer in.
    const newcomer = (device: string) => ({
      device,
      more: ["-u", device, "-P", place.state.accounts.set(device, "device")],
    });
    await untilTaken(true, scope, place, newcomer("esp-1"));
    const late = new MqttClient(() => socket, { clientId: "rpi-7", reconnectPeriod: 0 });
    scope.cleanup(() => late.endAsync(true));
    await new Promise<void>((resolve) => late.once("connect", () => resolve()));
    // A measurement of its own: while it was waited for, the certificate may have been good once more.
    await late.publishAsync("muster/rpi-7/metrics/late", '{"value":21.5}', { qos: 1 });
    await untilTaken(true, scope, place, newcomer("esp-2"));
    await eventually("what came after it", () => place.console.registry.latest("esp-2").length > 0);
    const said = place.console.registry.latest("rpi-7").map(({ measurement }) => measurement);
    assert.not(said.includes("late"), said.join());
  });

  test("at Mosquitto who has begun a connection before the revocation is thrown out once more, where the device was enrolled again before Mosquitto had closed it", async (scope) => {
    const deadlines = new ManualClock();
    const place = await startCertified(scope, "mosquitto", deadlines);
    const data = await place.join("rpi-7");
    const { next } = await keptIn(data);
    assert.ok(next?.pem);
    const own = { key: next.key, pem: next.pem };
    const ca = place.tls.authority.caBundle();
    const socket = connect({ host: "127.0.0.1", port: place.port, ca, cert: own.pem, key: own.key });
    scope.cleanup(() => void socket.destroy());
    await once(socket, "secureConnect");
    await place.client.revokeCertificate("rpi-7");
    await untilTaken(false, scope, place, { own });
    await place.join("rpi-7", { data });
    const again = (await keptIn(data)).next;
    assert.ok(again?.pem);
    await untilTaken(true, scope, place, { own: { key: again.key, pem: again.pem } });
    const late = new MqttClient(() => socket, { clientId: "rpi-7", reconnectPeriod: 0 });
    scope.cleanup(() => late.endAsync(true));
    await new Promise<void>((resolve) => late.once("connect", () => resolve()));
    await eventually("it is thrown out", () => {
      deadlines.advance(connectDeadline);
      return socket.destroyed;
    });
    await untilTaken(true, scope, place, { own: { key: again.key, pem: again.pem } });
  });

  test("at Mosquitto a device that was enrolled again comes in once, and nobody throws it out", async (scope) => {
    const deadlines = new ManualClock();
    const place = await startCertified(scope, "mosquitto", deadlines);
    const { brokerCopy } = place.state;
    const data = await place.join("rpi-7");
    const first = place.agent("rpi-7", data);
    await place.sees("rpi-7", true);
    await first.stop();
    const sessions = new Set<string | null>();
    await place.join("rpi-7", { data });
    scope.cleanup(place.console.registry.changes.on(({ online, session }) => online && sessions.add(session)));
    place.agent("rpi-7", data);
    await place.sees("rpi-7", true);
    await brokerCopy.settled();
    deadlines.advance(connectDeadline);
    await brokerCopy.settled();
    await place.console.send("rpi-7", { key: "ping" });
    assert.is(sessions.size, 1);
  });

  test("at Mosquitto a verb that ends a certificate beside a console, which does so as well, keeps it from nothing, and says nothing wrong", async (scope) => {
    const place = await startCertified(scope, "mosquitto");
    const data = await place.join("rpi-7");
    const agent = place.agent("rpi-7", data);
    await place.sees("rpi-7", true);
    const { current: own } = await keptIn(data);
    assert.ok(own);
    const verbs = Array.from({ length: 2 }, () => {
      const reach = () => ({ url: place.url ?? "" });
      const directory = join(place.tls.data, "mosquitto");
      return new MosquittoSide({ directory, root: "muster", clock: systemClock, reach });
    });
    for (const verb of verbs) verb.start();
    await place.client.revokeCertificate("rpi-7");
    const done = verbs.map((verb) => rewriteMosquittoFiles(verb, place.state, new Map([["rpi-7", new Set()]])));
    const told = (await Promise.all(done)).map(({ byHand }) => byHand);
    assert.equal(told, [undefined, undefined]);
    // Its will may be lost: where one has written that it may say nothing before another has taken its place.
    await place.sees("rpi-7", false);
    await untilTaken(false, scope, place, { own });
    const heard = place.console.registry.get("rpi-7")?.lastSeen;
    const other = place.agent("esp-2", await place.join("esp-2"));
    await eventually("samples of another one", () => place.console.registry.latest("esp-2").length > 0);
    assert.is(place.console.registry.get("rpi-7")?.lastSeen, heard);
    await other.stop();
    await agent.stop();
  });

  test("where the broker is somebody else's, no code for a certificate is made, and it is said why", async (scope) => {
    const fleet = await startFleet(scope, "embedded");
    fleet.state.accounts.set("admin", "admin", "correct horse");
    const api = await serveApi(scope, fleet, { join: { agent: "dist/muster-agent.cjs" } });
    const why = await api
      .as("admin:correct horse")
      .createEnrollment({ name: "cam", certificate: true })
      .then(String, String);
    assert.match(why, /is open beyond this machine/);
  });
});

async function assertRefused(asked: Promise<unknown>): Promise<void> {
  const why = await asked.then(
    () => "",
    (error: unknown) => String(error),
  );
  assert.match(why, /has no certificate that is good/);
}
