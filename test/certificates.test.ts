import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { X509Certificate } from "node:crypto";
import * as assert from "uvu/assert";
import { issueServer } from "../tls/issuing.ts";
import { serveApi } from "./api-server.ts";
import { startCertified, type Certified } from "./certified.ts";
import { startFleet } from "./fleet.ts";
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

/** Publishes as somebody with mosquitto's own program, by TLS. */
async function publish(
  scope: Scope,
  { tls, port }: Certified,
  { own, more = [], device = "rpi-7" }: { own?: Own; more?: readonly string[]; device?: string },
): Promise<Finished> {
  const directory = await scope.directory();
  const files = { "own.crt": own?.pem, "own.key": own?.key };
  for (const [name, text] of Object.entries(files))
    if (text !== undefined) await writeFile(join(directory, name), text);
  const shown = own ? ["--cert", join(directory, "own.crt"), "--key", join(directory, "own.key")] : [];
  const to = ["-t", `muster/${device}/metrics/room`, "-m", "21.5", "-q", "1", "-i", device];
  return runProgram("mosquitto_pub", [
    "-h",
    "127.0.0.1",
    "-p",
    String(port),
    "--cafile",
    tls.cafile,
    ...shown,
    ...more,
    ...to,
  ]);
}

suite("devices' certificates at the embedded broker", ({ test }) => {
  test("a device joins, logs in and is taken by its certificate alone; who has a secret goes on by that", async (scope) => {
    const place = await startCertified(scope);
    const data = await place.join("rpi-7");
    place.agent("rpi-7", data);
    await place.sees("rpi-7", true);
    await eventually("its samples", () => place.console.registry.latest("rpi-7").length > 0);
    const { joined } = JSON.parse(await readFile(join(data, "agent/identity.json"), "utf8")) as {
      joined: { secret: string };
    };
    const { current: own } = await keptIn(data);
    assert.ok(own);
    const secret = place.state.accounts.set("esp-1", "device");
    const cases: [string, Parameters<typeof publish>[2], RegExp | undefined][] = [
      ["its certificate", { own }, undefined],
      ["its certificate and its name", { own, more: ["-u", "rpi-7"] }, undefined],
      ["a user name and a password", { device: "esp-1", more: ["-u", "esp-1", "-P", secret] }, undefined],
      [
        "its certificate and another's name and password",
        { own, device: "esp-1", more: ["-u", "esp-1", "-P", secret] },
        /the certificate of "rpi-7" came with the user name "esp-1"/,
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
      const told = await place.whys();
      if (why)
        assert.ok(
          told.some((one) => why.test(one)),
          `${what}: ${told.join("\n")}`,
        );
    }
  });

  test("a certificate of somebody else, of a server or that is over lets nobody in, and it is said why", async (scope) => {
    const place = await startCertified(scope);
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
      [
        "one that was never issued",
        { key, pem: await issueDevice(pair, device, publicKey, later) },
        /is not known here/,
      ],
    ];
    for (const [what, own, why] of cases) {
      const { code } = await publish(scope, place, { own });
      assert.is.not(code, 0, what);
      const told = await place.whys();
      assert.ok(
        told.some((one) => why.test(one)),
        `${what}: ${told.join("\n")}`,
      );
    }
  });

  test("one that is due is renewed over the connection, and the one of before ends once the new one has connected", async (scope) => {
    const place = await startCertified(scope);
    const data = await place.join("rpi-7");
    const first = place.agent("rpi-7", data);
    await place.sees("rpi-7", true);
    await first.stop();
    const { current: before } = await keptIn(data);
    assert.ok(before);
    await writeFile(join(data, "agent/certificate.json"), JSON.stringify({ v: 1, current: { ...before, due: 0 } }));
    place.agent("rpi-7", data);
    const stateOf = (own: Own): string | undefined => place.state.certificates.find(serialOf(own))?.state;
    await eventually("the renewal", () => stateOf(before) === "replaced");
    const { current: after, next } = await keptIn(data);
    assert.ok(after && after.pem !== before.pem && after.key !== before.key && after.due > Date.now());
    assert.is(next, undefined);
    assert.is(stateOf(after), "used");
    await place.sees("rpi-7", true);
    assert.is.not((await publish(scope, place, { own: before })).code, 0);
    assert.ok((await place.whys()).some((why) => why.includes("was replaced by a newer one")));
  });

  test("a revoked one ends the connection at once and lets nobody in, until the device is enrolled again", async (scope) => {
    const place = await startCertified(scope);
    const data = await place.join("rpi-7");
    const agent = place.agent("rpi-7", data);
    await place.sees("rpi-7", true);
    const { current: old } = await keptIn(data);
    assert.ok(old);
    const at = ["-oL", "mosquitto_sub", "-h", "127.0.0.1", "-p", String(place.port), "--cafile", place.tls.cafile];
    const login = ["-u", "esp-1", "-P", place.state.accounts.set("esp-1", "device"), "-i", "esp-1"];
    const stays = new Running(scope, "stdbuf", at.concat(login, "-d", "-t", "muster/esp-1/ack"));
    await stays.line(/Subscribed/);
    await place.client.revokeCertificate("rpi-7");
    await place.sees("rpi-7", false);
    await eventually("its next try", async () =>
      (await place.whys()).some((why) => why.includes("this certificate of rpi-7 was revoked")),
    );
    assert.is.not((await publish(scope, place, { own: old })).code, 0);
    await agent.stop();
    await assertRefused(place.client.revokeCertificate("rpi-7"));

    await place.join("rpi-7", { data });
    place.agent("rpi-7", data);
    await place.sees("rpi-7", true);
    assert.is.not((await publish(scope, place, { own: old })).code, 0);
    const { current: own } = await keptIn(data);
    assert.ok(own);

    // Whoever takes an account away, or gives it a secret, ends its certificates as well.
    const secret = place.state.accounts.set("rpi-7", "device");
    await place.sees("rpi-7", false);
    assert.is.not((await publish(scope, place, { own })).code, 0);
    assert.is((await publish(scope, place, { more: ["-u", "rpi-7", "-P", secret] })).code, 0);
    assert.is(stays.lines.filter((line) => line.includes("CONNACK")).length, 1);
    const what = place.state.database.prepare("SELECT what FROM audit WHERE object = 'rpi-7' ORDER BY n").all() as {
      what: string;
    }[];
    for (const word of ["certificate.issued", "certificate.revoked"])
      assert.ok(
        what.some((one) => one.what === word),
        word,
      );
  });

  test("where the broker is somebody else's, no code for a certificate is made, and it is said why", async (scope) => {
    const fleet = await startFleet(scope, "embedded");
    fleet.state.accounts.set("admin", "admin", "correct horse");
    const api = await serveApi(scope, fleet, { join: { agent: "dist/muster-agent.cjs" } });
    const why = await api
      .as("admin:correct horse")
      .createEnrollment({ name: "cam", certificate: true })
      .then(String, String);
    assert.match(why, /Muster's own broker alone/);
  });
});

async function assertRefused(asked: Promise<unknown>): Promise<void> {
  const why = await asked.then(
    () => "",
    (error: unknown) => String(error),
  );
  assert.match(why, /has no certificate that is good/);
}
