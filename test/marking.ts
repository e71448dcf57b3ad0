import type { Agent } from "../agent/agent.ts";
import type { Console } from "../console/console.ts";
import { startFleet, type BrokerKind, type Fleet } from "./fleet.ts";
import { eventually, type Scope } from "./suite.ts";

export interface Marks {
  readonly fleet: Fleet;
  /** How often each device has carried out `mark`. */
  readonly counts: ReadonlyMap<string, number>;
  /** Devices whose `mark` fails. */
  readonly broken: Set<string>;
  /** While set, `mark` waits for it. */
  hold: Promise<void> | undefined;
}

/** A fleet of agents that count; more devices than the two that every fleet has need the embedded broker. */
export async function marking(scope: Scope, kind: BrokerKind, more: readonly string[] = []): Promise<Marks> {
  const fleet = await startFleet(scope, kind);
  const counts = new Map<string, number>();
  const marks: Marks = { fleet, counts, broken: new Set(), hold: undefined };
  for (const name of more) fleet.state.accounts.set(name, "device", "a secret of its own");
  for (const name of ["rpi-7", "rpi-8", ...more]) {
    const own = more.includes(name) ? { password: "a secret of its own" } : {};
    markAgent(fleet.newAgent(name, own), name, marks, counts).start();
  }
  for (const name of ["rpi-7", "rpi-8", ...more]) await fleet.sees(name, true);
  return marks;
}

/** Gives the agent a command `mark` that counts how often it is carried out. */
export function markAgent(
  agent: Agent,
  name: string,
  marks: Pick<Marks, "hold" | "broken">,
  counts: Map<string, number>,
): Agent {
  agent.handle("mark", {
    async run() {
      counts.set(name, (counts.get(name) ?? 0) + 1);
      await marks.hold;
      if (marks.broken.has(name)) throw new Error(`${name} has no disk`);
      return { marked: name };
    },
  });
  return agent;
}

/** Waits until nothing of the job is open any more. */
export const ended = (console: Console, id: string): Promise<unknown> =>
  eventually("the job's end", () => {
    const { state, counts } = console.jobs.find(id)?.summary ?? {};
    return state !== "running" && state !== "paused" && counts?.sent === 0;
  });
