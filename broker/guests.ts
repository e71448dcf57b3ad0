import type { Client } from "aedes";
import type { Clock } from "#shared/clock";
import { errorCode } from "#shared/errors";
import type { Log } from "#shared/log";
import { Guest } from "./guest.ts";
import type { Limits } from "./limits.ts";
import type { Sessions } from "./sessions.ts";

export interface GuestsOptions {
  readonly limits: Limits;
  readonly clock: Clock;
  readonly log: Log;
  readonly sessions: Sessions;
}

/** Everybody who is connected: by Aedes' client, and by client id once let in. */
export class Guests {
  readonly #options: GuestsOptions;
  readonly #byClient = new WeakMap<Client, Guest>();
  readonly #byId = new Map<string, Guest>();
  /** Packets that came in, messages among them, the most clients at once, connections that ended by an error. */
  readonly counts = { packetsIn: 0, publishedIn: 0, maximum: 0, errors: 0 };

  constructor(options: GuestsOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#byId.size;
  }

  /** Puts the guards on a connection that Aedes has just taken. */
  welcome(client: Client, address: string): void {
    const { limits, clock } = this.#options;
    const guest = new Guest(client, address, limits, clock);
    this.#byClient.set(client, guest);
    guest.guard(limits, ({ cmd }) => {
      this.counts.packetsIn += 1;
      if (cmd === "publish") this.counts.publishedIn += 1;
    });
  }

  of(client: Client): Guest {
    const guest = this.#byClient.get(client);
    if (!guest) throw new Error(`client ${client.id} did not come through the listener`);
    return guest;
  }

  /** Who is let in under a client id. */
  live(id: string): Guest | undefined {
    return this.#byId.get(id);
  }

  arrived(client: Client): void {
    const guest = this.of(client);
    this.#byId.set(client.id, guest);
    this.counts.maximum = Math.max(this.counts.maximum, this.#byId.size);
    this.#options.sessions.present(client.id, true);
    this.#options.log.debug(
      { client: client.id, address: guest.address },
      `${guest.principal?.name ?? client.id} connected`,
    );
  }

  left(client: Client): void {
    if (this.#byId.get(client.id) !== this.of(client)) return;
    this.#byId.delete(client.id);
    this.#options.sessions.present(client.id, false);
    this.#options.log.debug({ client: client.id }, `${client.id} disconnected`);
  }

  /** A connection ends by an error: its network's, which is everyday, or its own doing. */
  failed(client: Client, error: Error): void {
    const { address, principal } = this.of(client);
    const fields = { client: client.id ?? undefined, address };
    const what = `${principal?.name ?? "a client"} is disconnected: ${error.message}`;
    if (errorCode(error) !== undefined) return this.#options.log.debug(fields, what);
    this.counts.errors += 1;
    this.#options.log.info(fields, what);
  }

  /** Closes every connection of the user `name`. */
  disconnect(name: string): void {
    for (const guest of this.#byId.values()) {
      if (guest.principal?.name === name) guest.close("its account is gone or has changed");
    }
  }
}
