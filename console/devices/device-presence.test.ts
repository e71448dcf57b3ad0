import * as assert from "uvu/assert";
import { parseDeviceId } from "#shared/ids";
import type { Birth, Status } from "#shared/messages/presence-messages";
import { suite } from "../../test/suite.ts";
import { born, gone, spoken, unheard } from "./device-presence.ts";
import { newEntry, toDevice, type DeviceEntry } from "./device.ts";

const birth = (session: string): Birth => ({ v: 1, online: true, boot: "b", session, ts: 0 });
const death = (session: string, reason?: string): Exclude<Status, Birth> =>
  ({ v: 1, online: false, session, ...(reason === undefined ? {} : { reason }) }) as Exclude<Status, Birth>;

/** What happens, each a second after the one before. @returns whether it is told to anybody */
type Step = (entry: DeviceEntry, now: number) => boolean;
const isBorn =
  (session: string): Step =>
  (entry, now) => (born(entry, birth(session), now), true);
const dies =
  (session: string, { reason, retained = false }: { reason?: string; retained?: boolean } = {}): Step =>
  (entry, now) =>
    gone(entry, death(session, reason), { retained, now });
const speaks: Step = (entry, now) => spoken(entry, now);
const brokerWasAway: Step = (entry) => ((entry.confirmed = false), false);
const graceIsOver: Step = (entry, now) => unheard(entry, now);
/** What `DeviceRows` makes of one that was online when the console stopped. */
const consoleWasAway: Step = (entry) => (
  Object.assign(entry, { online: false, presumed: true, confirmed: false }),
  false
);

const awayWhy = "not heard since the broker came back";

const cases: readonly {
  readonly what: string;
  readonly steps: readonly Step[];
  readonly told: readonly boolean[];
  readonly is: { readonly online: boolean; readonly since: number | null; readonly reason: string | null };
}[] = [
  { what: "never heard", steps: [], told: [], is: { online: false, since: null, reason: "never heard" } },
  { what: "a birth", steps: [isBorn("a")], told: [true], is: { online: true, since: 1, reason: null } },
  {
    what: "the same session introduces itself again: online since then",
    steps: [isBorn("a"), isBorn("a")],
    told: [true, true],
    is: { online: true, since: 1, reason: null },
  },
  {
    what: "another session: online since now",
    steps: [isBorn("a"), isBorn("b")],
    told: [true, true],
    is: { online: true, since: 2, reason: null },
  },
  {
    what: "a death with its reason",
    steps: [isBorn("a"), dies("a", { reason: "stopped" })],
    told: [true, true],
    is: { online: false, since: 2, reason: "stopped" },
  },
  {
    what: "a will without one",
    steps: [isBorn("a"), dies("a")],
    told: [true, true],
    is: { online: false, since: 2, reason: "connection lost" },
  },
  {
    what: "the will of the session before",
    steps: [isBorn("a"), isBorn("b"), dies("a")],
    told: [true, true, false],
    is: { online: true, since: 2, reason: null },
  },
  {
    what: "a second death of the same",
    steps: [isBorn("a"), dies("a"), dies("a")],
    told: [true, true, false],
    is: { online: false, since: 2, reason: "connection lost" },
  },
  {
    what: "dead for good, it speaks: a straggler proves nothing",
    steps: [isBorn("a"), dies("a"), speaks],
    told: [true, true, false],
    is: { online: false, since: 2, reason: "connection lost" },
  },
  {
    what: "not heard after the broker was away",
    steps: [isBorn("a"), brokerWasAway, graceIsOver],
    told: [true, false, true],
    is: { online: false, since: 3, reason: awayWhy },
  },
  {
    what: "heard again in time",
    steps: [isBorn("a"), brokerWasAway, isBorn("a"), graceIsOver],
    told: [true, false, true, false],
    is: { online: true, since: 1, reason: null },
  },
  {
    what: "not heard in time, it speaks after all",
    steps: [isBorn("a"), brokerWasAway, graceIsOver, speaks, speaks],
    told: [true, false, true, true, false],
    is: { online: true, since: 4, reason: null },
  },
  {
    what: "the console was away, and it speaks: online, by a session that is not known",
    steps: [isBorn("a"), consoleWasAway, speaks, dies("b")],
    told: [true, false, true, true],
    is: { online: false, since: 4, reason: "connection lost" },
  },
  {
    what: "the same, but the death was kept by the broker: of before",
    steps: [isBorn("a"), consoleWasAway, speaks, dies("b", { retained: true })],
    told: [true, false, true, false],
    is: { online: true, since: 3, reason: null },
  },
  {
    what: "the console was away, and its session has died: it does not speak any more",
    steps: [isBorn("a"), consoleWasAway, dies("a"), speaks],
    told: [true, false, false, false],
    is: { online: false, since: 1, reason: null },
  },
  {
    what: "one without a birth is not there by its word",
    steps: [consoleWasAway, speaks],
    told: [false, false],
    is: { online: false, since: null, reason: "never heard" },
  },
];

suite("presence of a device", ({ test }) => {
  for (const { what, steps, told, is } of cases)
    test(what, () => {
      const entry = newEntry(parseDeviceId("rpi-7"));
      const heard = steps.map((step, at) => step(entry, at + 1));
      const { online, since, reason } = toDevice(entry);
      assert.equal({ online, since, reason }, is);
      assert.equal(heard, told);
    });
});
