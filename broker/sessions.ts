import type { Clock } from "#shared/clock";
import { FilterTrie } from "./filters.ts";
import { OfflineQueue } from "./offline-queue.ts";
import type { StoredPacket } from "./packets.ts";

/** One filter of a session, as Aedes stores and restores it. */
export interface Subscription {
  readonly topic: string;
  readonly qos: number;
}

interface Session {
  readonly id: string;
  readonly owner: string;
  readonly filters: Map<string, { qos: number; entry: { id: string } }>;
  readonly queue: OfflineQueue;
  /** When its client went, on the monotonic clock; undefined while it is there. */
  left: number | undefined;
}

export interface SessionLimits {
  /** How many persistent sessions are kept; for a further one the one that is longest away goes. */
  readonly sessions: number;
  /** Of one user: beyond it the user's own that is longest away goes. */
  readonly sessionsOfUser: number;
  /** How long a session whose client is away is kept, in milliseconds. */
  readonly sessionExpiry: number;
  /** Filters of one session. */
  readonly subscriptions: number;
  readonly queuedMessages: number;
  readonly queuedBytes: number;
  /** Bytes in the queues of all sessions. */
  readonly queuedTotal: number;
}

/** The persistent sessions (clean = false): whose they are, their filters, and what waits for them. */
export class Sessions {
  readonly #sessions = new Map<string, Session>();
  readonly #trie = new FilterTrie<{ id: string }>();
  readonly #limits: SessionLimits;
  readonly #clock: Clock;
  readonly #total = { bytes: 0 };
  /** Messages that found a queue full. */
  dropped = 0;
  /** Sessions that went by age or for want of room. */
  expired = 0;

  constructor(limits: SessionLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** How many wait for their client. */
  get away(): number {
    return [...this.#sessions.values()].filter(({ left }) => left !== undefined).length;
  }

  /** The user whose session goes by this client id. */
  ownerOf(id: string): string | undefined {
    return this.#sessions.get(id)?.owner;
  }

  subscribe(id: string, owner: string, subscriptions: readonly Subscription[]): void {
    const session = this.#sessions.get(id) ?? this.#open(id, owner);
    for (const { topic, qos } of subscriptions) {
      const old = session.filters.get(topic);
      // Aedes stores what the authorizer has denied for want of room, too.
      if (!old && session.filters.size >= this.#limits.subscriptions) continue;
      if (old && old.qos > 0) this.#trie.remove(topic, old.entry);
      const entry = { id };
      if (qos > 0) this.#trie.add(topic, entry);
      session.filters.set(topic, { qos, entry });
    }
  }

  unsubscribe(id: string, filters: readonly string[]): void {
    const session = this.#sessions.get(id);
    for (const filter of filters) {
      const old = session?.filters.get(filter);
      if (old) this.#trie.remove(filter, old.entry);
      session?.filters.delete(filter);
    }
  }

  subscriptionsOf(id: string): Subscription[] {
    const filters = this.#sessions.get(id)?.filters ?? new Map<string, { qos: number }>();
    return [...filters].map(([topic, { qos }]) => ({ topic, qos }));
  }

  /** The ids of the sessions that take `topic` at QoS 1 or 2, each once. */
  interestedIn(topic: string): string[] {
    return [...new Set(this.#trie.match(topic).map(({ id }) => id))];
  }

  enqueue(id: string, packet: StoredPacket): void {
    const { queuedMessages: messages, queuedBytes, queuedTotal } = this.#limits;
    const most = { messages, bytes: queuedBytes, total: queuedTotal };
    if (this.#sessions.get(id)?.queue.add(packet, most) === false) this.dropped += 1;
  }

  queueOf(id: string): OfflineQueue | undefined {
    return this.#sessions.get(id)?.queue;
  }

  /** How many messages wait in all queues. */
  get queued(): number {
    return [...this.#sessions.values()].reduce((sum, session) => sum + session.queue.length, 0);
  }

  end(id: string): void {
    this.unsubscribe(
      id,
      this.subscriptionsOf(id).map(({ topic }) => topic),
    );
    this.#sessions.get(id)?.queue.clear();
    this.#sessions.delete(id);
  }

  /** Ends every session of one user. */
  endAll(owner: string): void {
    for (const session of this.#sessions.values()) if (session.owner === owner) this.end(session.id);
  }

  /** Notes that the client of a session came (`true`) or went. */
  present(id: string, here: boolean): void {
    const session = this.#sessions.get(id);
    if (session) session.left = here ? undefined : this.#clock.monotonic();
  }

  /** Ends the sessions whose clients have been away for longer than allowed. */
  expire(): void {
    const oldest = this.#clock.monotonic() - this.#limits.sessionExpiry;
    for (const session of this.#sessions.values()) {
      if (session.left !== undefined && session.left <= oldest) this.#expireOne(session.id);
    }
  }

  #open(id: string, owner: string): Session {
    const own = [...this.#sessions.values()].filter((session) => session.owner === owner);
    if (own.length >= this.#limits.sessionsOfUser) this.#expireOldest(own);
    if (this.#sessions.size >= this.#limits.sessions) this.#makeRoom();
    const session: Session = { id, owner, filters: new Map(), queue: new OfflineQueue(this.#total), left: undefined };
    this.#sessions.set(id, session);
    return session;
  }

  #makeRoom(): void {
    this.expire();
    if (this.#sessions.size < this.#limits.sessions) return;
    this.#expireOldest([...this.#sessions.values()]);
  }

  #expireOldest(among: readonly Session[]): void {
    const away = among.filter(({ left }) => left !== undefined);
    const longest = away.sort((a, b) => (a.left ?? 0) - (b.left ?? 0))[0];
    if (longest) this.#expireOne(longest.id);
  }

  #expireOne(id: string): void {
    this.end(id);
    this.expired += 1;
  }
}
