import { Readable } from "node:stream";
import type { Client } from "aedes";
import type { Principal } from "#shared/principal";
import type { Access } from "./access.ts";
import { ackFault } from "./in-flight.ts";
import type { UnreleasedMessages } from "./unreleased.ts";
import type { StoredPacket } from "./packets.ts";
import type { RetainedMessages } from "./retained.ts";
import type { Sessions, Subscription } from "./sessions.ts";
import { Failed, SettledPromise, settled } from "./settled.ts";

export interface MemoryOptions {
  readonly retained: RetainedMessages;
  readonly sessions: Sessions;
  readonly incoming: UnreleasedMessages;
  readonly access: Access;
  readonly principalOf: (client: Client) => Principal | undefined;
}

/**
 * The broker's state in the shape of an Aedes persistence, in memory on purpose: Muster's promises are kept between agent
 * and console, and a store here would only make the broker slower. Every answer comes at once (see `SettledPromise`).
 */
export class Memory {
  readonly #options: MemoryOptions;
  /** Retained messages that found no room. */
  refusedRetained = 0;

  constructor(options: MemoryOptions) {
    this.#options = options;
  }

  /** Aedes insists that this one is async. */
  async setup(): Promise<void> {}

  storeRetained(packet: StoredPacket): SettledPromise<void> {
    if (!this.#options.retained.store(packet)) this.refusedRetained += 1;
    return settled;
  }

  createRetainedStreamCombi(filters: readonly string[]): Readable {
    const found = new Map<string, StoredPacket>();
    for (const filter of filters)
      for (const packet of this.#options.retained.match(filter)) found.set(packet.topic, packet);
    return Readable.from(found.values());
  }

  addSubscriptions(client: Client, subscriptions: readonly Subscription[]): SettledPromise<void> {
    const { access, sessions, principalOf } = this.#options;
    const principal = principalOf(client);
    if (!principal) return settled;
    // Aedes comes with the whole SUBSCRIBE, the denied filters too.
    const granted = subscriptions.filter(({ topic }) => access.maySubscribe(principal, topic));
    sessions.subscribe(client.id, principal.name, granted);
    return settled;
  }

  removeSubscriptions(client: Client, filters: readonly string[]): SettledPromise<void> {
    this.#options.sessions.unsubscribe(client.id, filters);
    return settled;
  }

  subscriptionsByClient({ id }: { id: string }): SettledPromise<Subscription[]> {
    return new SettledPromise(this.#options.sessions.subscriptionsOf(id));
  }

  cleanSubscriptions({ id }: { id: string }): SettledPromise<void> {
    this.#options.sessions.end(id);
    return settled;
  }

  subscriptionsByTopic(topic: string): SettledPromise<{ clientId: string; topic: string }[]> {
    // Aedes looks at `topic` to keep $SYS from filters that begin with a wildcard; the trie has done that.
    return new SettledPromise(this.#options.sessions.interestedIn(topic).map((clientId) => ({ clientId, topic })));
  }

  outgoingEnqueue({ clientId }: { clientId: string }, packet: StoredPacket): SettledPromise<void> {
    this.#options.sessions.enqueue(clientId, packet);
    return settled;
  }

  outgoingEnqueueCombi(to: readonly { clientId: string }[], packet: StoredPacket): SettledPromise<void> {
    for (const { clientId } of to) this.#options.sessions.enqueue(clientId, packet);
    return settled;
  }

  /** A message that found its queue full is not there to be updated: it goes out all the same, unstored. */
  outgoingUpdate({ id }: { id: string }, packet: StoredPacket): SettledPromise<void> | Failed {
    const queue = this.#options.sessions.queueOf(id);
    // Aedes puts a PUBREL in the place of what a PUBREC has acknowledged.
    const fault = packet.cmd === "pubrel" ? ackFault("pubrec", queue?.awaits(packet.messageId)) : undefined;
    if (fault !== undefined) return new Failed(new Error(fault));
    queue?.update(packet);
    return settled;
  }

  /** Where it is not the acknowledgement that the message awaits, Aedes closes the connection for this reason. */
  outgoingClearMessageId(
    { id }: { id: string },
    packet: StoredPacket,
  ): SettledPromise<StoredPacket | undefined> | Failed {
    const queue = this.#options.sessions.queueOf(id);
    const fault = ackFault(packet.cmd, queue?.awaits(packet.messageId));
    if (fault !== undefined) return new Failed(new Error(fault));
    // Aedes comes with an acknowledgement, or with the second copy of a message that two filters match, which has no
    // packet id and whose first copy is still on its way: that one stays.
    return new SettledPromise(queue?.remove(packet.messageId));
  }

  outgoingStream({ id }: { id: string }): Readable {
    return Readable.from(this.#options.sessions.queueOf(id)?.list() ?? []);
  }

  /** Where there is no room, Aedes closes the connection for this reason. */
  incomingStorePacket({ id }: { id: string }, packet: StoredPacket): SettledPromise<void> | Failed {
    const why = this.#options.incoming.store(id, packet);
    return why === undefined ? settled : new Failed(new Error(why));
  }

  incomingGetPacket({ id }: { id: string }, { messageId }: StoredPacket): SettledPromise<StoredPacket> | Failed {
    const packet = this.#options.incoming.get(id, messageId);
    return packet ? new SettledPromise(packet) : new Failed(new Error("no such packet"));
  }

  incomingDelPacket({ id }: { id: string }, { messageId }: StoredPacket): SettledPromise<void> {
    this.#options.incoming.delete(id, messageId);
    return settled;
  }

  cleanIncoming({ id }: { id: string }): SettledPromise<void> {
    this.#options.incoming.clear(id);
    return settled;
  }

  /** Wills live with their connections: only a cluster needs them here, to publish those of a broker that died. */
  putWill(): SettledPromise<void> {
    return settled;
  }

  delWill(): SettledPromise<void> {
    return settled;
  }

  streamWill(): Readable {
    return Readable.from([]);
  }
}
