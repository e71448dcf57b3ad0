import { anAgent, blow, type Blow, type Faults, type Maker, type Points } from "../faults.ts";
import type { Random } from "../random.ts";
import { devices, type Setting } from "../setting.ts";

/** Where agents and console can be made to die on a command's way; and `verify.before`, in the recovery of an agent that died. */
export const commandPoints: Points = {
  agent: {
    names: [
      "task.received",
      "ledger.begin",
      "ledger.begin.torn",
      "ledger.begun",
      "effect.before",
      "effect.after",
      "ledger.end",
      "ledger.ended",
      "reply.before",
      "reply.after",
      "withdrawal.received",
      "withdrawal.taken",
    ],
    nth: 2,
  },
  server: {
    names: [
      "row.insert",
      "row.inserted",
      "task.publish",
      "task.published",
      "reply.received",
      "row.close",
      "row.closed",
      "withdrawal.publish",
      "withdrawal.published",
    ],
    nth: 4,
  },
};

/** What is done in rounds of commands alone, or in another way. */
export function commandFaults({ disks, signed }: Setting): Faults {
  return new Map<string, Maker>([
    [
      "an agent dies in its recovery too",
      (random) => {
        const again = random.pick(["verify.before", "ledger.end"]);
        const arm = { who: anAgent(random), point: "effect.after", nth: 1, down: random.pick([0, 50, 200]), again };
        return { blows: [], arms: [arm], favours: { key: "verify" } };
      },
    ],
    // While a command is open an older ledger cannot know that it was begun: no agent can tell that its directory is another day's.
    [
      "put an agent's directory back",
      (random) => ({ blows: [], arms: [], late: [blow("put back", anAgent(random), random)] }),
    ],
    ...(disks === "none" ? [] : waiting),
    ...(signed ? hostileBusAlone : []),
  ]);
}

const waiting: Faults = new Map([
  [
    "fill the console's disk while commands expire",
    (random) => {
      const full = {
        what: "fill",
        who: "server",
        at: random.between(60, 120),
        lasts: random.between(500, 900),
      } as const;
      const still = { what: "freeze", at: random.between(0, 30), lasts: random.between(500, 900) } as const;
      return { blows: [...devices.map((who) => ({ ...still, who })), full], arms: [], favours: { way: "brief" } };
    },
  ],
]);

const hostileBusAlone: Faults = new Map([["nothing but a hostile bus", () => ({ blows: [], arms: [] })]]);

/** Where commands are signed whoever has the bus is hostile in every round, beside all else that is done. */
export function hostilities({ signed }: Setting, random: Random): Blow[] {
  if (!signed) return [];
  // From the beginning on, until nearly all that the round sends has been sent.
  const lasts = random.between(400, 1_000);
  return devices.map((who) => ({ ...blow("hostile", who, random), at: 0, lasts }));
}
