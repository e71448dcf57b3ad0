import * as z from "zod/mini";
import { encode } from "#shared/codec";
import type { Json } from "#shared/messages/command";
import type { Death, Offer, Status } from "#shared/messages/presence";
import type { Schema } from "#shared/messages/schema";
import type { Handler } from "./handler.ts";

/** What a handler looks like from outside: its arguments' schema as JSON Schema. */
export function offers(handlers: ReadonlyMap<string, Handler>): Record<string, Offer> {
  const entries = [...handlers].map(([key, { title, args, onInterrupt, concurrent }]): [string, Offer] => [
    key,
    {
      ...(title === undefined ? {} : { title }),
      ...(args === undefined ? {} : { args: jsonSchema(args) }),
      ...(onInterrupt === undefined ? {} : { onInterrupt }),
      ...(concurrent === undefined ? {} : { concurrent }),
    },
  ]);
  return Object.fromEntries(entries);
}

function jsonSchema(args: Schema<unknown>): Record<string, Json> {
  const { $schema: _, ...schema } = z.toJSONSchema(args, { io: "input" });
  return schema as Record<string, Json>;
}

/** The retained message that says this device is gone: published by itself, or by the broker as its will. */
export function death(boot: string, session: string, reason: string, ts?: number): Buffer {
  const status: Death = { v: 1, online: false, boot, session, reason, ...(ts === undefined ? {} : { ts }) };
  return encode(status, "json");
}

export function birth(status: Extract<Status, { online: true }>): Buffer {
  return encode(status, "json");
}
