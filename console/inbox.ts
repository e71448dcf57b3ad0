import type { Bus, Message } from "#shared/bus";
import { asError, BadInputError } from "#shared/errors";
import type { CommandId, DeviceId } from "#shared/ids";
import { readRefusal, readReply } from "#shared/messages/command-messages";
import { readConsoleStatus, readStatus } from "#shared/messages/presence-messages";
import type { Address, AddressKind, Topics } from "#shared/topics";
import type { Renewals } from "./certificates/renewals.ts";
import type { Desk } from "./desk/desk.ts";
import type { Answers } from "./desk/answers.ts";
import { uncheckedIn } from "./devices/command-catalogue.ts";
import type { TypedCommands } from "./desk/typed.ts";
import type { Ingest } from "./ingest/ingest.ts";
import type { Transfers } from "./files/transfers.ts";
import type { LatestRefusals } from "./devices/latest-refusals.ts";
import type { Leftovers } from "./leftovers.ts";
import type { Refusals } from "./devices/refusals.ts";
import type { SignerWatch } from "./devices/signer-watch.ts";
import type { Registry } from "./devices/registry.ts";
import type { Removals } from "./devices/removals.ts";
import type { Retirements } from "./devices/retirements.ts";
import type { Restored } from "./restored.ts";
import type { Publisher } from "./publisher.ts";

export interface InboxParts {
  readonly topics: Topics;
  readonly registry: Registry;
  readonly ingest: Ingest;
  readonly desk: Desk;
  readonly typed: TypedCommands;
  readonly answers: Pick<Answers, "isEcho">;
  readonly refusals: Refusals;
  readonly publisher: Publisher;
  readonly leftovers: Leftovers;
  readonly removals: Pick<Removals, "why">;
  readonly retirements: Pick<Retirements, "why">;
  readonly latestRefusals: Pick<LatestRefusals, "note">;
  readonly restored: Pick<Restored, "heard">;
  readonly signers: Pick<SignerWatch, "born">;
  readonly renewals: Renewals;
  readonly transfers: Pick<Transfers, "heard">;
}

/** What stays at the broker by the protocol; and what is said once, so that a retained copy is a mistake. */
const kept = ["status", "task", "console"] as const satisfies readonly AddressKind[];
const passing = ["metrics", "simple", "reply", "short", "renew", "file-up"] as const satisfies readonly AddressKind[];

/** Hands every message that comes from the broker to the part that its topic names. */
export class Inbox {
  readonly #parts: InboxParts;
  #detach: (() => Promise<void>)[] = [];
  #endWatching: () => void = () => {};
  /** Of the connection, from its beginning on. */
  #session: string | undefined;
  /** Whether everything that the broker kept has been heard on this connection. */
  #isCaughtUp = false;

  constructor(parts: InboxParts) {
    this.#parts = parts;
  }

  /** Takes messages from now on. */
  attach(bus: Bus): void {
    const { topics } = this.#parts;
    const filters = (kinds: readonly AddressKind[]): string[] => kinds.map((kind) => topics.filter(kind));
    this.#endWatching = bus.onConnection((change) => {
      this.#session = change.up ? change.session : undefined;
      if (!change.up) this.#isCaughtUp = false;
    });
    const take = (message: Message): Promise<void> | void => this.receive(message);
    this.#detach = [
      bus.subscribe(filters(kept), take),
      bus.subscribe(filters(passing), take, { retainAsPublished: true }),
      // The console's own among them, and those of the embedded broker, which may be another process.
      bus.subscribe(filters(["refused"]), (message) => this.#refused(message)),
    ];
  }

  /** Resolves when nothing more comes: what has come is taken, so that nothing is acknowledged which nobody keeps. */
  async detach(): Promise<void> {
    const detach = this.#detach.splice(0);
    await Promise.all(detach.map((end) => end()));
    this.#endWatching();
  }

  /** What does not read is somebody's at a broker that lets everybody publish there. */
  #refused({ topic, payload }: Message): void {
    const address = this.#parts.topics.parse(topic);
    if (address?.kind !== "refused") return;
    try {
      this.#parts.latestRefusals.note({ name: address.device, ...readRefusal(payload) });
    } catch (thrown) {
      if (!(thrown instanceof BadInputError)) throw thrown;
    }
  }

  /** What it returns holds back the message's acknowledgement. */
  receive(message: Message): Promise<void> | void {
    const address = this.#parts.topics.parse(message.topic);
    if (message.retain && (!address || isPassing(address))) return this.#leftover(address, message);
    return address && this.#take(address, message);
  }

  /**
   * What comes with the flag once all copies are heard is live, of somebody who always sets it (by MQTT 5; by 3.1.1 it comes without).
   * Before that it is a copy, of nobody knows when. Both are cleared.
   */
  #leftover(address: Address | undefined, message: Message): Promise<void> | void {
    const clear = (): void => {
      if (message.payload.length > 0) this.#parts.leftovers.clear(message.topic);
    };
    const taken = address && this.#take(address, message, !this.#isCaughtUp);
    return taken ? taken.then(clear) : clear();
  }

  #take(address: Address, message: Message, isCopy = false): Promise<void> | void {
    // Somebody, and often the console itself, clears a topic: that is no message.
    if (message.payload.length === 0 && isPassing(address)) return;
    try {
      const gone = "device" in address ? this.#whyGone(address.device) : undefined;
      if (gone !== undefined && "device" in address) return this.#ofGone(address, message, gone);
      return this.#route(address, message, isCopy);
    } catch (thrown) {
      const error = asError(thrown);
      if (!(error instanceof BadInputError)) throw thrown;
      if ("device" in address)
        this.#parts.refusals.tell(address.device, message.topic, error.message, undefined, false, message.payload);
    }
  }

  /** Why nothing is taken of it, and what to do about that. */
  #whyGone(device: DeviceId): string | undefined {
    const removed = this.#parts.removals.why(device);
    if (removed !== undefined) return `${removed}: enroll it again, with: npx muster enroll ${device}`;
    const retired = this.#parts.retirements.why(device);
    return retired && `${retired}: bring it back, with: npx muster device return ${device}`;
  }

  /** Nothing of it is taken, and nothing stays at the broker; its word on a command that was withdrawn is kept beside that. */
  #ofGone(address: Extract<Address, { device: DeviceId }>, message: Message, why: string): void {
    const { desk, leftovers, refusals } = this.#parts;
    const { device } = address;
    const isEmpty = message.payload.length === 0;
    if (address.kind === "reply") return desk.reply(device, address.id, readReply(message.payload).value);
    if (address.kind === "task") {
      if (!isEmpty) desk.withdraw(device, address.id);
      else desk.isOwnWithdrawal(device, address.id);
    }
    if (isEmpty) return;
    if (address.kind === "status") leftovers.clear(message.topic, true);
    // A death, or what a broker has kept, is nobody's doing now.
    if (message.retain || (address.kind === "status" && !readStatus(message.payload).online)) return;
    refusals.tell(device, message.topic, why, undefined, false, message.payload);
  }

  #route(address: Address, message: Message, isCopy: boolean): Promise<void> | void {
    const { ingest, registry, typed } = this.#parts;
    switch (address.kind) {
      case "metrics":
        if (!isCopy) registry.spoke(address.device);
        return ingest.batch(address.device, message);
      case "simple":
        return ingest.simple(address.device, address.path, message, isCopy);
      case "status":
        return this.#presence(address.device, message);
      case "reply":
        if (this.#parts.answers.isEcho(message)) return undefined;
        if (!isCopy) {
          registry.seen(address.device);
          registry.spoke(address.device);
        }
        return this.#reply(address.device, address.id, message);
      case "short":
        return typed.short(address.device, message);
      case "task":
        return typed.task(address.device, address.id, message);
      case "console":
        return this.#heard(message);
      case "renew":
        return isCopy ? undefined : this.#parts.renewals.asked(address.device, message);
      case "file-up":
        return isCopy ? undefined : this.#parts.transfers.heard(address.device, address.id, message);
      case "file-down":
      case "ack":
      case "refused":
      case "certificate":
      case "stats":
      case "alert":
      case "authorities":
        return undefined;
    }
  }

  /**
   * A device that has a task of which nothing is known here waits for the console's word, for ever: the row went with a damaged file, or a
   * broker has restored what was over long ago. What was typed while there was no console is known by the time that all copies are heard.
   */
  #reply(device: DeviceId, id: CommandId, message: Message): void {
    const { desk, refusals } = this.#parts;
    const reply = readReply(message.payload).value;
    desk.reply(device, id, reply);
    if (reply.state !== "accepted" || !this.#isCaughtUp || desk.find(device, id)) return;
    desk.withdraw(device, id);
    refusals.tell(device, message.topic, `nothing is known here of a command "${id}": it is withdrawn; send it anew`);
  }

  /** The console's own word about this connection comes after everything that the broker had kept for it. */
  #heard({ payload, retain }: Message): void {
    const status = payload.length > 0 ? readConsoleStatus(payload) : undefined;
    if (!retain && status !== undefined && status.session === this.#session) this.#isCaughtUp = true;
    this.#parts.publisher.heard(status);
  }

  #presence(device: DeviceId, message: Message): void {
    // An empty retained status is somebody clearing the topic: the device says nothing by it.
    if (message.payload.length === 0) return;
    const status = readStatus(message.payload);
    const { registry, signers, desk, publisher } = this.#parts;
    const before = registry.get(device);
    const refused = registry.presence(device, status, message.retain);
    if (!status.online) return;
    const after = registry.get(device);
    if (after) signers.born(before, after);
    if (refused) publisher.refuse(device, status.boot, refused.why);
    else {
      // What it tells may put in doubt what it would be shown.
      this.#parts.restored.heard(device, status);
      this.#parts.renewals.heard(device, status);
      desk.show(device, status.session, (...told) => publisher.greet(device, status, ...told));
    }
    const unchecked = uncheckedIn(after?.commands ?? null);
    if (unchecked !== undefined) this.#parts.refusals.tell(device, message.topic, unchecked);
  }
}

function isPassing({ kind }: Address): boolean {
  return passing.some((one) => one === kind);
}
