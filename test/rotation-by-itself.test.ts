import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { BadInputError } from "#shared/errors";
import { silentLog } from "#shared/log";
import { Topics } from "#shared/topics";
import { CaRotation } from "../console/ca-rotation.ts";
import { bothTrusted, finishBefore, rotateBefore, rotationLookEvery } from "../console/rotation-by-itself.ts";
import type { Device } from "../console/devices/device.ts";
import { openState } from "../console/state/state.ts";
import { Authority } from "../tls/authority.ts";
import { tlsDirectory } from "../tls/paths.ts";
import { eventually, suite, type Scope } from "./suite.ts";

/** A real authority on a disk, and a rotation that is told by the test who trusts whom, and when it is. */
async function prepare(scope: Scope, audited: () => void = () => {}) {
  const clock = new ManualClock();
  const directory = await scope.directory();
  const state = openState(directory, clock);
  scope.cleanup(() => state.close());
  const authority = new Authority({ directory: tlsDirectory(directory), clock, log: silentLog });
  await authority.start();
  scope.cleanup(() => authority.stop());
  /** By device, the fingerprints of the authorities that it trusts. */
  const fleet = new Map<string, readonly string[]>([["rpi-7", [authority.fingerprint]]]);
  const [notes, told]: [string[], string[]] = [[], []];
  const tell = (_: object, message: string): void => void told.push(message);
  const rotation = new CaRotation({
    authority,
    bus: { connected: false, onConnection: () => () => {}, subscribe: () => async () => {}, publish: async () => {} },
    topics: new Topics(),
    devices: () => [...fleet].map(([id, trusts]) => ({ id, trusts }) as unknown as Device),
    audit: {
      record(event) {
        audited();
        const entry = state.audit.record(event);
        notes.push(`${entry.who} ${entry.what}`);
        return entry;
      },
    },
    clock,
    log: { ...silentLog, warn: tell, error: tell },
  });
  return { clock, authority, rotation, fleet, notes, told };
}

suite("a rotation of the CA by itself", ({ test }) => {
  test("it begins with a year left, once, and is audited as nobody's word", async (scope) => {
    const { clock, authority, rotation, notes } = await prepare(scope);
    const { until, fingerprint } = authority.present;
    clock.setWall(until - rotateBefore - 1);
    await rotation.look();
    assert.is(authority.next, undefined);
    clock.setWall(until - rotateBefore);
    await rotation.look();
    const { next } = authority;
    assert.is.not(next?.fingerprint, fingerprint);
    assert.is(next?.since, clock.now());
    assert.is(authority.fingerprint, fingerprint, "the old one signs meanwhile");
    await rotation.look();
    assert.equal(authority.next, next);
    assert.equal(notes, ["console tls.rotated"]);
  });

  test("it ends after thirty days where every agent trusts the next one, whoever has begun it", async (scope) => {
    const { clock, authority, rotation, fleet, notes } = await prepare(scope);
    await rotation.rotate();
    const next = authority.next?.fingerprint ?? "";
    const begun = clock.now();
    fleet.set("rpi-7", [authority.fingerprint, next]);
    clock.setWall(begun + bothTrusted - 1);
    await rotation.look();
    assert.is(authority.next?.fingerprint, next);
    clock.setWall(begun + bothTrusted);
    await rotation.look();
    assert.is(authority.next, undefined);
    assert.is(authority.fingerprint, next);
    assert.is(authority.caBundle().match(/BEGIN CERTIFICATE/g)?.length, 1, "the old one is trusted no more");
    assert.equal(notes, ["console tls.rotation-ended"]);
    // The new one is good for ten years.
    await rotation.look();
    assert.is(authority.next, undefined);
  });

  test("an agent that lacks it holds it up until the old one's last thirty days, and is named then", async (scope) => {
    const { clock, authority, rotation, told } = await prepare(scope);
    const { until } = authority.present;
    clock.setWall(until - rotateBefore);
    await rotation.look();
    const next = authority.next?.fingerprint ?? "";
    for (const left of [rotateBefore - bothTrusted, finishBefore + 1]) {
      clock.setWall(until - left);
      await rotation.look();
      assert.is(authority.next?.fingerprint, next, `${left} ms left`);
    }
    told.length = 0;
    clock.setWall(until - finishBefore);
    await rotation.look();
    assert.is(authority.next, undefined);
    assert.is(authority.fingerprint, next);
    assert.match(told.join("\n"), "these agents cannot connect any more");
  });

  test("it is looked every hour while it runs; one that cannot be audited is not begun, and is tried again", async (scope) => {
    let refusals = 1;
    const { clock, authority, rotation, notes, told } = await prepare(scope, () => {
      if (refusals-- > 0) throw new BadInputError("the disk is full");
    });
    rotation.start();
    scope.cleanup(() => rotation.stop());
    clock.setWall(authority.present.until - rotateBefore);
    clock.advance(rotationLookEvery - 1);
    assert.equal(told, []);
    clock.advance(1);
    await eventually("the refusal is told", () => told.includes("the authority cannot be rotated"));
    assert.is(authority.next, undefined);
    clock.advance(rotationLookEvery);
    await eventually("the next hour's", () => authority.next);
    assert.equal(notes, ["console tls.rotated"]);
    rotation.stop();
    const { next } = authority;
    clock.setWall(authority.present.until);
    clock.advance(2 * rotationLookEvery);
    assert.equal(authority.next, next, "one that is stopped looks no more");
  });
});
