import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { parseDeviceId } from "#shared/ids";
import type { Birth, Death } from "#shared/messages/presence-messages";
import { openState } from "../state/state.ts";
import { suite } from "../../test/suite.ts";
import { EndedConnections, willGrace } from "./ended-connections.ts";
import { Registry } from "./registry.ts";

const device = parseDeviceId("rpi-7");
const birth = (session: string): Birth => ({ v: 1, online: true, boot: "b1", session, ts: 0 });
const ofWill: Death = { v: 1, online: false, boot: "b1", session: "s1", reason: "connection lost" };

const cases: readonly {
  readonly what: string;
  readonly comesIn: boolean;
  /** Whether the broker has ended it. */
  readonly ends?: false;
  readonly between?: (registry: Registry) => void;
  readonly reason: string | null;
  readonly publishes?: string;
}[] = [
  { what: "its will is heard", comesIn: true, between: (it) => it.presence(device, ofWill), reason: "connection lost" },
  {
    what: "its will is lost, and it may come in again",
    comesIn: true,
    reason: "its connection was ended: what it logs in with has changed",
  },
  { what: "it has come in again", comesIn: true, between: (it) => it.presence(device, birth("s2")), reason: null },
  { what: "its will is lost, and it comes in no more", comesIn: false, reason: "let in no more", publishes: "s1" },
  {
    what: "it had come once more before the broker knew that it is let in no more",
    comesIn: false,
    between: (it) => it.presence(device, birth("s2")),
    reason: "let in no more",
    publishes: "s2",
  },
  { what: "the broker does not say that it has ended", comesIn: true, ends: false, reason: null },
];

suite("connections that a broker ends", ({ test }) => {
  for (const { what, comesIn, ends = true, between = () => {}, reason, publishes } of cases)
    test(what, async (scope) => {
      const clock = new ManualClock();
      const state = openState(await scope.directory(), clock);
      scope.cleanup(() => state.close());
      const registry = new Registry({ database: state.database, clock, enrolled: () => true });
      const published: string[] = [];
      const publish = (_: string, { session }: Death): void => void published.push(session);
      const connections = new EndedConnections({ registry, clock, comesIn: () => comesIn, publish });
      registry.presence(device, birth("s1"));
      const ended = connections.ending([device, "nobody"]);
      between(registry);
      ended(ends ? [device, "nobody"] : []);
      clock.advance(willGrace);
      assert.is(registry.get(device)?.reason, reason);
      assert.equal(published, publishes === undefined ? [] : [publishes]);
      // What it has said before is no sign of life of who is let in no more.
      registry.spoke(device);
      assert.is(registry.get(device)?.online, comesIn && reason !== "connection lost");
    });
});
