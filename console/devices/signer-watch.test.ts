import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import type { AuditEvent } from "../audit/entry.ts";
import { suite } from "../../test/suite.ts";
import type { Device } from "./device.ts";
import { signersNotedEvery, SignerWatch } from "./signer-watch.ts";

const device = (signers?: readonly string[]): Device => ({ id: "rpi-7", ...(signers && { signers }) }) as Device;

suite("changes of pinned keys in the audit log", ({ test }) => {
  test("each is written down once, and one that changes with each birth now and then", () => {
    const clock = new ManualClock();
    const told: (readonly unknown[])[] = [];
    const note = ({ what, on, result, detail }: AuditEvent): void =>
      void told.push([what, on, result, detail?.["before"], detail?.["now"]]);
    const watch = new SignerWatch({ clock, audit: { note } });
    watch.born(undefined, device());
    watch.born(device(), device());
    watch.born(device(["a"]), device(["a"]));
    assert.equal(told, []);
    watch.born(device(["a"]), device(["b"]));
    watch.born(device(["b"]), device(["b"]));
    clock.advance(signersNotedEvery - 1);
    watch.born(device(["b"]), device());
    assert.equal(told, [["signers.changed", "rpi-7", "ok", "a", "b"]]);
    clock.advance(1);
    watch.born(device(), device());
    assert.equal(told.slice(1), [["signers.changed", "rpi-7", "needs no signature any more", "b", undefined]]);
    watch.born(device(), device());
    assert.is(told.length, 2);
  });
});
