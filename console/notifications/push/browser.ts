import { createHash } from "node:crypto";
import * as z from "zod/mini";
import { BadInputError } from "#shared/errors";
import { isIP } from "node:net";
import { instant, moment, parserOf } from "../../database/row-fields.ts";
import type { Channel } from "../channel.ts";
import { areSubscriberKeys, type SubscriberKeys } from "./encrypt-push.ts";

/** One of a person's browsers that is told of alerts. */
export interface Browser extends SubscriberKeys {
  /** Of its address, which is a secret: who knows it, and the page on that browser, know which one is meant. */
  readonly id: string;
  /** Whose it is. */
  readonly account: string;
  readonly name: string;
  /** Where its push service takes what is for it; empty, as are the keys, of one that is gone. */
  readonly endpoint: string;
  /** Epoch ms. */
  readonly ts: number;
  /** Epoch ms: when its push service has said that there is no such browser any more. */
  readonly gone: number | null;
}

/** All browsers together, where a rule names channels; no other channel has this name. */
export const browsersChannel = "browsers";
const prefix = "browser:";

/** Under which a browser stands in the queue: the name of no channel, which have no colon. */
export const queueNameOf = (id: string): string => prefix + id;
/** Whether something in the queue is for a browser. */
export const isForBrowser = (channel: string): boolean => channel.startsWith(prefix);
/** @param channel {@link isForBrowser} */
export const browserIn = (channel: string): string => channel.slice(prefix.length);

/** Characters of the address of a browser at its push service: known ones have less than 800. */
export const maxEndpoint = 2_000;

/** @throws Error for a row that does not read */
export const parseBrowser = parserOf<Browser>(
  z.object({
    id: z.string(),
    account: z.string(),
    name: z.string(),
    endpoint: z.string(),
    p256dh: z.string(),
    auth: z.string(),
    ts: instant,
    gone: moment,
  }),
);

/** @throws Error for a row that does not read */
export const parsePushKey = parserOf(z.object({ id: z.number(), secret: z.string() }));

export function idOf(endpoint: string): string {
  return createHash("sha256").update(endpoint).digest("base64url").slice(0, 22);
}

/**
 * What a browser says of itself has to lead to a push service, and to nothing of ours. Names are looked at when they are looked up.
 * @param mayReach whether an address may be spoken to @throws BadInputError
 */
export function checkSubscription(
  { endpoint, ...keys }: SubscriberKeys & Pick<Browser, "endpoint">,
  mayReach: (address: string) => boolean,
): void {
  if (endpoint.length > maxEndpoint)
    throw new BadInputError(`endpoint has ${endpoint.length} characters: expected ${maxEndpoint} at most`);
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url?.protocol !== "https:" || url.username !== "" || url.password !== "" || url.hash !== "")
    throw new BadInputError("endpoint is no push service's: expected an address with https://, without a name in it");
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (isIP(host) && !mayReach(host)) throw new BadInputError(`endpoint is no push service's: ${notPublic(host)}`);
  if (!areSubscriberKeys(keys))
    throw new BadInputError(
      "keys are no browser's: expected p256dh, a point of P-256 in 65 bytes, and auth of 16 bytes, both base64url",
    );
}

export function notPublic(address: string): string {
  return `${address} is no address on the internet`;
}

/** A browser as what the queue brings notices to. */
export function channelFor({ id, endpoint, account, ts }: Browser): Channel {
  return {
    name: queueNameOf(id),
    kind: "push",
    settings: { endpoint },
    enabled: true,
    usual: true,
    by: account,
    ts,
  };
}
