import { InstanceGuard } from "./instance-guard.ts";

/** Who is born: the installation, and the run of the agent. */
export interface Born {
  readonly instance?: string | undefined;
  readonly boot: string;
}

/**
 * Tells two agents under one id, also where both are of one installation, because its disk was copied: these are told apart by their
 * runs. An agent that was started again never comes back as the run that it was before.
 */
export class IdentityGuard {
  readonly #installations = new InstanceGuard();
  #instance: string | undefined;
  #runs = new InstanceGuard();

  /** Whether it has heard of an agent yet. */
  get knows(): boolean {
    return this.#instance !== undefined;
  }

  /** Takes a birth at `now` (ms). @returns whether that agent is refused */
  born({ instance, boot }: Born, now: number): boolean {
    if (instance === undefined) return false;
    if (this.#installations.born(instance, now)) return true;
    if (instance !== this.#instance) this.#runs = new InstanceGuard();
    this.#instance = instance;
    return this.#runs.born(boot, now);
  }
}

type Facts = Readonly<Record<string, unknown>> | undefined;

/** What people are told of two machines under one id. @param first the facts of the one that stays, as in its birth @param later of the other */
export function twoMachines(
  id: string,
  first: Facts,
  later: Facts,
): { readonly problem: string; readonly refusal: string } {
  const [one, other] = [machineIn(first), machineIn(later)];
  const cure = `npx muster enroll ${id.slice(0, maxNameLength)}-2`;
  return {
    problem: `two machines run as ${id}: ${one} and ${other}; the later one was refused, and stays away for a while: give it an id of its own (${cure} prints a line to paste on it)`,
    refusal: `the id ${id} is in use by another agent, on ${one}: give this one, on ${other}, an id of its own: ${cure}, on the console's machine, prints a line to paste here`,
  };
}

/** Characters of a device's id that leave room for two more. */
const maxNameLength = 61;

function machineIn(facts: Readonly<Record<string, unknown>> | undefined): string {
  const [name, address] = [facts?.["hostname"], facts?.["address"]].map((fact) =>
    typeof fact === "string" && fact !== "" ? fact.slice(0, maxFactLength) : undefined,
  );
  if (name === undefined) return address ?? "one that does not say where it is";
  return address === undefined ? name : `${name} (${address})`;
}

/** Characters of a name or an address in that sentence: each comes from a device. */
const maxFactLength = 100;

/** Whether a device's problem is that of {@link twoMachines}. */
export function isTwoMachines(problem: string | null): boolean {
  return problem !== null && problem.startsWith("two machines run as ");
}
