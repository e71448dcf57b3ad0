import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { parseCommandId, parseDeviceId } from "#shared/ids";
import { suite } from "../../test/suite.ts";
import { newEntry, toDevice } from "../devices/device.ts";
import type { Command } from "./command.ts";
import { Showing } from "./showing.ts";

const device = parseDeviceId("rpi-7");
const hour = 3_600_000;
const sample: Command = {
  device,
  id: parseCommandId("1"),
  key: "ping",
  args: {},
  by: "ann",
  ts: 0,
  timeout: null,
  expires: hour,
  state: "queued",
  timeline: [],
  online: false,
  encoding: "json",
};

/**
 * What may happen: the command is `published`; the broker comes (`up`) or goes (`down`); its device connects (`shown`, or `again` on the same
 * connection), is `away`, or has `begun` it; it `ended`, or is in `doubt`; so many ms pass; the clock is not believed (`unsure`). And how often
 * its task was published in all, with what its device was told last: that it is open, runs, or is asked about.
 */
const cases: readonly (readonly [what: string, words: readonly string[], published: number, told?: string])[] = [
  ["shown once", ["published"], 1],
  ["not before its row is on the disk", ["fresh", "published"], 0],
  ["nor is it told then", ["fresh", "shown"], 0, ""],
  ["not in doubt", ["doubt", "published"], 0],
  ["again when the broker comes", ["published", "down", "up"], 2],
  ["after a while, where the state may be an older copy", ["restored", "up", "2999"], 0],
  ["in which its devices can have told that", ["restored", "up", "3000"], 1],
  ["only the first time", ["restored", "up", "3000", "up"], 2],
  ["again when its device comes", ["published", "shown"], 2, "open"],
  ["once a connection", ["published", "shown", "again"], 2, "open"],
  ["but on the console's own next one too", ["published", "shown", "down", "up", "again"], 4, "open"],
  ["what its device has begun it is told as such", ["published", "begun", "shown"], 2, "runs"],
  ["what is in doubt is asked for, and not shown", ["doubt", "shown"], 0, "asked"],
  ["again, when nothing is heard of it", ["published", "5000"], 2],
  ["and again", ["published", "15000"], 3],
  ["not to a device that is away", ["away", "published", "15000"], 1],
  ["not without a broker", ["published", "down", "15000"], 1],
  ["not once it was begun", ["published", "begun", "15000"], 1],
  ["nor ended", ["published", "ended", "15000"], 1],
  ["nor doubted", ["published", "doubt", "15000"], 1],
  ["nor when the console stops", ["published", "stop", "15000"], 1],
  ["over, it is withheld", [`${hour}`, "up", "shown"], 0, "open"],
  ["but not by a clock that is in doubt", ["unsure", `${hour}`, "up"], 1],
  ["nor what was begun in time", ["begun", `${hour}`, "up"], 1],
  ["withheld, and its device has begun it: shown", [`${hour}`, "up", "begun"], 1],
  ["once", [`${hour}`, "up", "begun", "begun"], 1],
];

/** One open command of a device that is online, and all that its showing looks at. */
function desk() {
  const clock = new ManualClock(0);
  const at = {
    command: sample,
    open: true,
    connected: true,
    online: true,
    timely: true,
    fresh: false,
    restored: false,
  };
  const seen = { published: 0, told: "nothing" };
  const known = (): readonly Command[] => (at.open ? [at.command] : []);
  const showing = new Showing({
    clock,
    bus: {
      get connected() {
        return at.connected;
      },
    },
    book: {
      get open() {
        return known();
      },
      openOf: known,
      openOne: () => known()[0],
      note: (command) => (at.command = command),
    },
    persist: { synced: async () => {} },
    tasks: { publish: () => (seen.published += 1) },
    device: (id) => ({ ...toDevice(newEntry(id)), online: at.online }),
    timely: () => at.timely,
    mayBeRestored: () => at.restored,
    isFresh: () => at.fresh,
    asked: () => {},
  });
  const connection = (up: boolean): void => showing.connection((at.connected = up));
  const show = (session: string): void =>
    showing.show(device, session, (open, begun, doubted) => {
      seen.told = begun.length > 0 ? "runs" : open.length > 0 ? "open" : doubted.length > 0 ? "asked" : "";
    });
  const acts: Readonly<Record<string, () => void>> = {
    published: () => showing.publish(at.command),
    up: () => connection(true),
    down: () => connection(false),
    shown: () => show("new"),
    again: () => show("new"),
    away: () => (at.online = false),
    fresh: () => (at.fresh = true),
    restored: () => (at.restored = true),
    unsure: () => (at.timely = false),
    begun: () => showing.heard((at.command = { ...at.command, state: "running" })),
    doubt: () => showing.hold((at.command = { ...at.command, doubted: 1 })),
    ended: () => {
      at.open = false;
      showing.end(at.command);
    },
    stop: () => showing.stop(),
  };
  return { seen, does: (word: string): void => (acts[word] ?? (() => clock.advance(Number(word))))() };
}

suite("which tasks are shown", ({ test }) => {
  for (const [what, words, published, told = "nothing"] of cases)
    test(`${words.join(", ")}: ${what}`, async () => {
      const { seen, does } = desk();
      for (const word of words) {
        does(word);
        await new Promise(setImmediate);
      }
      assert.equal(seen, { published, told });
    });
});
