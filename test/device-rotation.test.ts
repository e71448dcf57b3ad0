import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import type { Bus } from "#shared/bus";
import { ManualClock } from "#shared/clock";
import type { DeviceId } from "#shared/ids";
import { checkKey, proveKey } from "#shared/key-proof";
import { silentLog } from "#shared/log";
import { Topics } from "#shared/topics";
import { KeptCertificates } from "../agent/certificate/kept-certificates.ts";
import { Certifying } from "../console/certificates/certifying.ts";
import { DeviceRotation, toldAfter, toldAgainAfter, toldASecond } from "../console/certificates/device-rotation.ts";
import { finishBefore, rotateBefore } from "../console/rotation-by-itself.ts";
import { openState } from "../console/state/state.ts";
import { DeviceAuthority } from "../tls/device-authority.ts";
import { authorityLife } from "../tls/spans.ts";
import { eventually, suite, type Scope } from "./suite.ts";

const day = 86_400_000;
const life = 90 * day;

/** A console's books and its authority of devices, which can be killed: what is on the disk stays. */
async function startBooks(scope: Scope) {
  const directory = await scope.directory();
  const clock = new ManualClock(Date.now());
  const state = openState(directory, clock);
  scope.cleanup(() => state.close());
  const told: string[] = [];
  const bus = {
    connected: true,
    publish: async (topic: string) => void told.push(topic.split("/")[1] ?? ""),
  } as unknown as Bus;
  const start = async () => {
    const authority = new DeviceAuthority({ directory: join(directory, "tls"), clock, log: silentLog });
    await authority.start();
    const around = { audit: state.audit, clock, log: silentLog, topics: new Topics("muster"), bus };
    const rotation = new DeviceRotation({ ...around, ...state, authority, isOnline: () => true });
    rotation.start();
    const stop = (): void => (rotation.stop(), authority.stop());
    scope.cleanup(stop);
    return { authority, rotation, certifying: new Certifying({ ...state, clock, authority, life }), stop };
  };
  return { directory, clock, state, told, start };
}

type Books = Awaited<ReturnType<typeof startBooks>>;

async function enrolled(scope: Scope, { state }: Books, { certifying }: { certifying: Certifying }, device: DeviceId) {
  const kept = new KeptCertificates({ directory: await scope.directory() });
  state.accounts.putDevice(device, `$7$101$AAAAAAAAAAAAAAAA$${"A".repeat(86)}==`, true);
  kept.accept(await certifying.joined(device, checkKey(device, proveKey(device, kept.prepare())), "127.0.0.1"));
  kept.show();
  kept.connected();
  return kept;
}

suite("a rotation of the devices' authority", ({ test }) => {
  test("whatever step a kill comes after, both are trusted or the old one is ended, and it comes to its end from there", async (scope) => {
    const books = await startBooks(scope);
    const { state, start } = books;
    let run = await start();
    const again = async (): Promise<void> => (run.stop(), void (run = await start()));
    const device = "rpi-7" as DeviceId;
    const kept = await enrolled(scope, books, run, device);
    const first = run.authority.current();

    await run.rotation.rotate();
    const both = run.authority.current();
    await again();
    assert.is(run.authority.current(), both);
    assert.ok(both.endsWith(first));
    assert.is((await run.authority.revocations([])).match(/BEGIN X509 CRL/g)?.length, 2);
    assert.equal([run.rotation.state.lacking, run.rotation.state.have], [[device], 0]);
    assert.type(state.certificates.letIn({ name: device, serial: kept.serial ?? "" }), "object");

    // The same key would be given the certificate that it has, which is of the old one.
    const own = kept.serial;
    kept.hasten(state.certificates.present(device)?.pem ?? "");
    kept.accept(await run.certifying.renewed(device, proveKey(device, kept.prepare())));
    await again();
    assert.equal(run.rotation.state.lacking, [device], "it has not connected with it yet");
    kept.show();
    kept.connected();
    state.certificates.confirm(device, kept.serial ?? "");
    assert.is.not(kept.serial, own);
    assert.equal([run.rotation.state.lacking, run.rotation.state.have], [[], 1]);

    // A kill after the books and before the file.
    state.certificates.endOthers(run.authority.present.fingerprint);
    await again();
    assert.ok(run.rotation.state.before);
    run.rotation.finish();
    await again();
    assert.is(run.rotation.state.before, undefined);
    assert.not(run.authority.current().includes(first));
    assert.not(readFileSync(join(books.directory, "tls/devices.json"), "utf8").includes("before"));
    assert.type(state.certificates.letIn({ name: device, serial: kept.serial ?? "" }), "object");
  });

  test(`${toldASecond} devices are told in a second, and again after ten minutes; one that connects, at once`, async (scope) => {
    const books = await startBooks(scope);
    const { clock, told, start } = books;
    const run = await start();
    const devices = Array.from({ length: toldASecond + 1 }, (_, n) => `d-${String(n).padStart(3, "0")}` as DeviceId);
    for (const device of devices) await enrolled(scope, books, run, device);
    const [one, ...others] = devices;
    assert.ok(one);
    run.rotation.heard(one);
    clock.advance(toldAfter);
    assert.equal(told, [], "outside a rotation nobody is told");
    await run.rotation.rotate();
    run.rotation.heard(one);
    clock.advance(toldAfter - 1);
    assert.equal(told, [], "a broker has not read yet whom to trust");
    clock.advance(1);
    assert.equal(told, devices.slice(0, toldASecond));
    clock.advance(1_000);
    assert.equal(told, devices);
    told.length = 0;
    run.rotation.heard(one);
    assert.equal(told.splice(0), [one]);
    clock.advance(toldAgainAfter);
    assert.is(told.length, toldASecond);
    assert.is(others.length, toldASecond);
  });

  test("by itself it begins a year before the end, and ends once all have renewed, or a month before the end", async (scope) => {
    const { clock, state, start } = await startBooks(scope);
    const { authority, rotation } = await start();
    const begun = authority.present.fingerprint;
    const until = authority.present.until;
    clock.setWall(until - rotateBefore - 1);
    await rotation.look();
    assert.is(rotation.state.before, undefined);
    clock.setWall(until - rotateBefore);
    await rotation.look();
    assert.is(rotation.state.before?.fingerprint, begun);
    assert.ok(authority.present.until >= clock.now() + authorityLife - day);
    await rotation.look();
    assert.ok(rotation.state.before, "tools have files that somebody has to replace");
    const away = { serial: "1", device: "away" as DeviceId, key: "", pem: "", state: "used" as const };
    state.certificates.add({ ...away, authority: begun, issued: clock.now(), expires: until });
    clock.setWall(until - finishBefore - 1);
    await rotation.look();
    assert.equal(rotation.state.lacking, ["away"]);
    clock.setWall(until - finishBefore);
    await rotation.look();
    assert.is(rotation.state.before, undefined);
  });

  test("another process hears of it", async (scope) => {
    const { start } = await startBooks(scope);
    const [one, other] = [await start(), await start()];
    let heard = 0;
    other.authority.changes.on(() => (heard += 1));
    await one.rotation.rotate();
    await eventually("the other one", () => heard > 0);
    assert.is(other.authority.current(), one.authority.current());
  });
});
