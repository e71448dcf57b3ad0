import * as z from "zod/mini";
import type { Bus } from "#shared/bus";
import type { Clock } from "#shared/clock";
import { encode } from "#shared/codec";
import { DisconnectedError } from "#shared/errors";
import type { Birth, Death, Offer } from "#shared/messages/presence-messages";
import type { Schema, Json } from "#shared/messages/payload-schema";
import { mayRunAgain, type Handler } from "./commands/handler.ts";

/** What a handler looks like from outside: its arguments' schema as JSON Schema. */
export function offersOf(handlers: ReadonlyMap<string, Handler>): Record<string, Offer> {
  const entries = [...handlers].map(([key, handler]): [string, Offer] => {
    const { title, args, concurrent, undo } = handler;
    const onInterrupt = mayRunAgain(handler) ? "rerun" : handler.onInterrupt;
    return [
      key,
      {
        ...(title === undefined ? {} : { title }),
        ...(args === undefined ? {} : { args: jsonSchema(args) }),
        ...(onInterrupt === undefined ? {} : { onInterrupt }),
        ...(concurrent === undefined ? {} : { concurrent }),
        ...(undo === undefined ? {} : { undo }),
      },
    ];
  });
  return Object.fromEntries(entries);
}

function jsonSchema(args: Schema<unknown>): Record<string, Json> {
  const { $schema: _, ...schema } = z.toJSONSchema(args, { io: "input" });
  return schema as Record<string, Json>;
}

/** The retained message that says this device is gone: published by itself, or by the broker as its will. */
export function death(runId: string, session: string, reason: string, ts?: number): Buffer {
  const status: Death = { v: 1, online: false, boot: runId, session, reason, ...(ts === undefined ? {} : { ts }) };
  return encode(status, "json");
}

export interface PresenceOptions {
  readonly bus: Bus;
  readonly topic: string;
  readonly runId: string;
  readonly clock: Clock;
  /** 0 ≤ n < 1; spreads what a whole fleet would do in the same moment. */
  readonly random?: () => number;
  /** What the agent says of itself, as it is now. */
  readonly self: () => Omit<Birth, "v" | "online" | "boot" | "session" | "ts">;
}

/** Milliseconds over which a fleet's births spread when a console comes. */
const spread = 1_000;
/** Milliseconds in which a broker may take what is said last: one that is silent must not keep the agent from ending within the 5 s of its unit. */
export const partingPatience = 1_500;

/** The retained message about this device: who it is and what it offers, published on each connect and at each change. */
export class Presence {
  readonly #options: PresenceOptions;
  #session = "";
  #ended = false;
  #cancelSoon: (() => void) | undefined;

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  connected(session: string): void {
    this.#session = session;
    this.announce();
  }

  /** Whether an answer is one to this connection's birth. A console of before there was `session` in it does not say. */
  isOf(session: string | undefined): boolean {
    return session === undefined || session === this.#session;
  }

  /** Another console has come, which the broker may not have handed this birth: not every broker gives out retained messages by wildcard. */
  announceSoon(): void {
    const { clock, random = Math.random } = this.#options;
    this.#cancelSoon ??= clock.after(random() * spread, () => {
      this.#cancelSoon = undefined;
      this.announce();
    });
  }

  /** Something in it has changed. */
  announce(): void {
    const { bus, runId, clock, self } = this.#options;
    if (!bus.connected || this.#ended) return;
    const birth: Birth = {
      v: 1,
      online: true,
      boot: runId,
      session: this.#session,
      ts: Math.round(clock.now()),
      ...self(),
    };
    void this.#publish(encode(birth, "json"));
  }

  /** Nothing is announced any more. @param reason what the device says last; without it, nothing */
  async end(reason: string | undefined): Promise<void> {
    const { bus, runId, clock } = this.#options;
    this.#ended = true;
    this.#cancelSoon?.();
    if (reason === undefined || !bus.connected) return;
    const said = this.#publish(death(runId, this.#session, reason, Math.round(clock.now())));
    let cancel: (() => void) | undefined;
    await Promise.race([said, new Promise<void>((resolve) => (cancel = clock.after(partingPatience, resolve)))]);
    cancel?.();
  }

  async #publish(payload: Buffer): Promise<void> {
    try {
      await this.#options.bus.publish(this.#options.topic, payload, { retain: true });
    } catch (error) {
      // Presence is published again on each connect.
      if (!(error instanceof DisconnectedError)) throw error;
    }
  }
}
