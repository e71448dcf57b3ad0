import type { Clock } from "#shared/clock";
import { networkOf } from "#shared/crowd";
import { parseDeviceId, shortId, type DeviceId } from "#shared/ids";
import type { JoinQuestion } from "#shared/messages/join-messages";
import type { Accounts } from "../accounts/accounts.ts";
import type { Audit } from "../audit/audit.ts";
import { transaction, type Database } from "../database/database.ts";
import type { Groups } from "../devices/groups.ts";
import { isRetired } from "../devices/retirements.ts";
import { JoinRefusedError } from "./join-refused.ts";

/** Machines that wait for a person's yes at once: more than a person looks through. */
export const maxRequests = 200;
/** Of one network: a flood from one place leaves room for others. */
export const maxRequestsOfNetwork = 20;
/** Milliseconds after which a machine that does not ask again is forgotten; it asks every two seconds. */
export const requestMemory = 60_000;

/** A machine that asks to join. */
export interface JoinRequest extends JoinQuestion {
  readonly id: string;
  readonly address: string;
  readonly since: number;
  readonly asked: number;
  /** The name under which it was let in; null where it was not. Undefined while it waits. */
  readonly verdict: { readonly device: DeviceId | null } | undefined;
}

export interface JoinRequestsOptions {
  readonly database: Database;
  readonly accounts: Accounts;
  readonly groups: Groups;
  readonly audit: Pick<Audit, "record">;
  readonly clock: Clock;
}

interface Approval {
  readonly name: string;
  readonly groups: readonly string[];
  readonly by: string;
  readonly from: string;
}

/** Machines that ask to join without a code, in memory alone: after a restart they ask again. */
export class JoinRequests {
  readonly #options: JoinRequestsOptions;
  /** By the machine. */
  readonly #requests = new Map<string, JoinRequest>();

  constructor(options: JoinRequestsOptions) {
    this.#options = options;
  }

  /** @returns what has become of it @throws JoinRefusedError where too many wait */
  ask(question: JoinQuestion, address: string): JoinRequest {
    this.#forgetOld();
    const before = this.#requests.get(question.machine);
    const now = this.#options.clock.monotonic();
    if (before && before.hash === question.hash) return this.#keep({ ...before, asked: now });
    if (before) throw new JoinRefusedError("taken", "another machine asks under this id");
    this.#assertRoom(address);
    const since = Math.round(this.#options.clock.now());
    return this.#keep({ ...question, id: shortId(), address, since, asked: now, verdict: undefined });
  }

  /** Those that wait, the newest first. */
  waiting(): readonly JoinRequest[] {
    this.#forgetOld();
    return [...this.#requests.values()].filter(({ verdict }) => verdict === undefined).toReversed();
  }

  /** Makes the machine a device. @throws JoinRefusedError where it waits no more, or the name is taken; BadInputError for what is no name */
  approve(id: string, { name, groups, by, from }: Approval): DeviceId {
    const { database, accounts, audit } = this.#options;
    const request = this.#waiting(id);
    const device = parseDeviceId(name);
    this.#options.groups.check(groups);
    const told = transaction(database, () => {
      const present = accounts.find(device);
      if ((present && present.hash !== request.hash) || isRetired(database, device))
        throw new JoinRefusedError("taken", `${device} is there already: choose another name`);
      accounts.putDevice(device, request.hash);
      audit.record({ who: by, from, what: "device.enrolled", on: device, detail: { asked: request.address } });
      return this.#options.groups.add(device, groups);
    });
    told();
    accounts.changed(device);
    this.#keep({ ...request, verdict: { device } });
    return device;
  }

  /** @throws JoinRefusedError where it waits no more */
  deny(id: string, { by, from }: Pick<Approval, "by" | "from">): void {
    const request = this.#waiting(id);
    this.#options.audit.record({
      who: by,
      from,
      what: "device.join-denied",
      on: id,
      detail: { asked: request.address },
    });
    this.#keep({ ...request, verdict: { device: null } });
  }

  #waiting(id: string): JoinRequest {
    const found = this.waiting().find((request) => request.id === id);
    if (found) return found;
    throw new JoinRefusedError("absent", `no machine waits under ${id}: it asks no more, or somebody has answered it`);
  }

  #assertRoom(address: string): void {
    const all = [...this.#requests.values()];
    const near = all.filter((one) => networkOf(one.address) === networkOf(address));
    if (all.length >= maxRequests || near.length >= maxRequestsOfNetwork)
      throw new JoinRefusedError("full", "too many machines wait to join: try again later, or have a code made");
  }

  #forgetOld(): void {
    const oldest = this.#options.clock.monotonic() - requestMemory;
    for (const [machine, { asked }] of this.#requests) if (asked < oldest) this.#requests.delete(machine);
  }

  #keep(request: JoinRequest): JoinRequest {
    this.#requests.set(request.machine, request);
    return request;
  }
}
