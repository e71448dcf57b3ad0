import type { Client } from "aedes";
import type { Clock } from "#shared/clock";
import { errorCode } from "#shared/errors";
import type { Log } from "#shared/log";
import type { PacedClosings } from "#shared/paced-closings";
import type { SafetyNet } from "#shared/safety-net";
import type { Digest } from "./digest.ts";
import { Connection } from "./connection.ts";
import { silenceCheck } from "./silence.ts";
import type { Limits } from "./limits.ts";
import type { ConnectingPeer } from "./listener.ts";
import { ReadTurns } from "./read-turns.ts";
import type { Sessions } from "./sessions.ts";

export interface ConnectionTableOptions {
  readonly limits: Limits;
  readonly clock: Clock;
  readonly log: Log;
  readonly digest: Digest;
  readonly net: SafetyNet;
  readonly sessions: Sessions;
  readonly closings: PacedClosings;
}

/** How Aedes refuses MQTT 5. */
const otherVersion = "unacceptable protocol version";

/** Everybody who is connected: by Aedes' client, and by client id once let in. */
export class ConnectionTable {
  readonly #options: ConnectionTableOptions;
  readonly turns: ReadTurns;
  readonly #byClient = new WeakMap<Client, Connection>();
  readonly #byId = new Map<string, Connection>();
  readonly #byName = new Map<string, number>();
  /** When it was looked who is silent. */
  #looked = -Infinity;
  /** Packets that came in, messages among them, the most clients at once, connections that ended by an error. */
  readonly counts = { packetsIn: 0, publishedIn: 0, maximum: 0, errors: 0 };

  constructor(options: ConnectionTableOptions) {
    this.#options = options;
    this.turns = new ReadTurns(() => options.clock.monotonic());
  }

  get count(): number {
    return this.#byId.size;
  }

  /** Puts the guards on a connection that Aedes has just taken. */
  welcome(client: Client, caller: ConnectingPeer): void {
    const connection = new Connection(client, caller, { ...this.#options, turns: this.turns });
    this.#byClient.set(client, connection);
    connection.guard(this.#options.limits, ({ cmd }) => {
      this.counts.packetsIn += 1;
      if (cmd === "publish") this.counts.publishedIn += 1;
    });
  }

  of(client: Client): Connection {
    const connection = this.#byClient.get(client);
    if (!connection) throw new Error(`client ${client.id} did not come through the listener`);
    return connection;
  }

  /** Who is let in under a client id. */
  live(id: string): Connection | undefined {
    return this.#byId.get(id);
  }

  arrived(client: Client): void {
    const connection = this.of(client);
    connection.arrived(this.#options.clock);
    this.#byId.set(client.id, connection);
    this.#count(connection, 1);
    this.counts.maximum = Math.max(this.counts.maximum, this.#byId.size);
    this.#options.sessions.present(client.id, true);
    this.#options.log.debug(
      { client: client.id, address: connection.address },
      `${connection.principal?.name ?? client.id} connected`,
    );
  }

  left(client: Client): void {
    if (this.#byId.get(client.id) !== this.of(client)) return;
    this.#byId.delete(client.id);
    this.#count(this.of(client), -1);
    this.#options.sessions.present(client.id, false);
    this.#options.log.debug({ client: client.id }, `${client.id} disconnected`);
  }

  /** Closes who has been in the middle of one packet for too long. To be called on a beat. */
  sweep(): void {
    const { clock, limits } = this.#options;
    const now = clock.monotonic();
    for (const connection of this.#byId.values()) {
      if (connection.reader.unfinishedFor(now) < limits.packetTimeout) continue;
      connection.close(`it has sent a part of a packet and not the rest for ${limits.packetTimeout / 1_000} s`);
    }
  }

  /** Closes whoever has been silent for longer than its keep-alive allows. To be called on a beat, see `silenceCheck`. */
  closeSilent(): void {
    const now = this.#options.clock.monotonic();
    // Where this look is late nobody was heard meanwhile, and what they have sent waits to be read: the next one judges.
    const isLate = now - this.#looked > 2 * silenceCheck;
    this.#looked = now;
    if (isLate) return;
    for (const connection of this.#byId.values()) if (connection.isSilent(now)) connection.close("keep alive timeout");
  }

  /** How many connections the user `name` has. */
  connectionsOf(name: string): number {
    return this.#byName.get(name) ?? 0;
  }

  /** A connection ends by an error: its network's, which is everyday, or its own doing. */
  failed(client: Client, error: Error): void {
    const connection = this.of(client);
    const { address, principal } = connection;
    // Aedes tells it once more for each packet that was read already.
    if (connection.failed) return;
    connection.failed = true;
    const fields = { client: client.id ?? undefined };
    const what = `${principal?.name ?? "a client"} is disconnected: ${error.message}`;
    // What breaks by itself, and a client that asks for MQTT 5 first, as agents do: it comes again at once.
    if (errorCode(error) !== undefined || error.message === otherVersion)
      return this.#options.log.debug({ ...fields, address }, what);
    this.counts.errors += 1;
    this.#options.digest.tell("info", address, fields, what);
  }

  #count({ principal }: Connection, by: 1 | -1): void {
    if (!principal) return;
    const count = this.connectionsOf(principal.name) + by;
    if (count > 0) this.#byName.set(principal.name, count);
    else this.#byName.delete(principal.name);
  }

  /** Closes every connection of the user `name`. */
  disconnect(name: string): void {
    for (const connection of this.#byId.values()) {
      if (connection.principal?.name === name) connection.close("its account is gone or has changed");
    }
  }
}
