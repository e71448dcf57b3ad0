import { anAgent, arm, blow, moment, type Faults, type Maker, type Points } from "../faults.ts";
import { packingPoints } from "../packing.ts";
import { smallOutbox, type Setting } from "../setting.ts";

/** Where agents and console can be made to die on a sample's way. */
export const samplePoints: Points = {
  agent: {
    names: ["outbox.append", "outbox.appended", "batch.send", "batch.sent", "ack.received", "ack.taken"],
    nth: 6,
  },
  server: {
    names: ["batch.received", "store.write", "store.written", "ack.publish", "ack.published"],
    nth: 6,
  },
};

/** What is done in rounds of samples alone: of commands there are no clones, at most once is a promise of one ledger. */
export function sampleFaults({ store }: Pick<Setting, "store">): Faults {
  return new Map<string, Maker>([
    // Long enough that a small outbox has to let go of its oldest.
    [
      "a long outage",
      (random) => ({
        blows: [{ what: "break", who: smallOutbox, at: moment(random), lasts: random.between(2_500, 3_500) }],
        arms: [],
      }),
    ],
    ["clone an agent", (random) => ({ blows: [blow("clone", anAgent(random), random)], arms: [] })],
    ...(store === "embedded" ? packingPoints.map(atPacking) : []),
  ]);
}

function atPacking(point: string): readonly [string, Maker] {
  return [
    `console: ${point}`,
    (random) => ({ blows: [], arms: [arm("server", point, samplePoints.server.nth, random)] }),
  ];
}
