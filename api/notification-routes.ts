import * as z from "zod/mini";
import { about, limit, named, nextPlace, placeInList, time, timeOrNull } from "./document-schema.ts";
import type { Route } from "./route.ts";

const channelName = z.string().check(z.maxLength(63));
const isUsual = about(z.boolean(), "whether alerts go by it whose rule names no channel");

const lastWord = about(
  z.nullable(z.object({ state: z.string(), ts: time, said: z.nullable(z.string()) })),
  "what became of the newest that has ended",
);

const channelDocument = named(
  z.object({
    name: channelName,
    kind: about(z.string(), "email, webhook, ntfy, slack, discord, teams, telegram, pushover, matrix or mqtt"),
    enabled: z.boolean(),
    usual: isUsual,
    settings: about(z.record(z.string(), z.string()), "without its secrets; none for who is no administrator"),
    secrets: about(z.record(z.string(), z.string()), "which secrets are set; of an address its host"),
    waiting: about(z.number(), "notices that wait for it"),
    failed: about(z.number(), "those that were given up, of what is remembered"),
    last: lastWord,
    by: z.string(),
    ts: time,
  }),
  "Channel",
);
export type ChannelDocument = z.output<typeof channelDocument>;

const deliveryDocument = named(
  z.object({
    id: z.number(),
    channel: about(z.string(), "browsers where it went to a person's browser"),
    browser: about(
      z.nullable(z.object({ account: z.string(), name: z.string() })),
      "whose browser, and which; null where it went by a channel, or the browser was removed",
    ),
    state: about(z.enum(["waiting", "delivered", "failed"]), "failed: refused, given up, or it had to make room"),
    tries: z.number(),
    next: about(timeOrNull, "when it is tried again; null where it has ended"),
    said: about(
      z.nullable(z.string()),
      "what the other side said last, or why it could not be asked; its status alone for who is no administrator of the whole fleet",
    ),
    ended: about(timeOrNull, "when it was delivered, or given up"),
    notice: z.object({
      alert: z.string(),
      kind: z.enum(["firing", "resolved", "reminder", "test", "report"]),
      rule: z.string(),
      severity: z.string(),
      device: z.nullable(z.string()),
      at: time,
      title: z.string(),
    }),
  }),
  "Delivery",
);
export type DeliveryDocument = z.output<typeof deliveryDocument>;

const browserDocument = named(
  z.object({
    id: about(z.string(), "the first 22 characters of the SHA-256 of its endpoint, base64url"),
    name: z.string(),
    ts: about(time, "since when it is told"),
    gone: about(timeOrNull, "when its push service said that there is no such browser any more; null while there is"),
    waiting: about(z.number(), "notices that wait for it"),
    failed: about(z.number(), "those that were given up, of what is remembered"),
    last: lastWord,
  }),
  "Browser",
);
export type BrowserDocument = z.output<typeof browserDocument>;

const params = z.object({ name: channelName });
const browserParams = z.object({ id: z.string().check(z.maxLength(64)) });
const tested = z.object({ delivered: z.boolean(), said: z.string(), took: about(z.number(), "milliseconds") });
/** What a browser says of itself: the longest texts that are looked at, of which more is said in a sentence. */
const subscription = z.strictObject({
  name: about(z.string().check(z.maxLength(1_000)), "what its person calls it"),
  endpoint: about(z.string().check(z.maxLength(10_000)), "of its PushSubscription; it is told to nobody"),
  keys: z.strictObject({ p256dh: z.string().check(z.maxLength(200)), auth: z.string().check(z.maxLength(100)) }),
});

/** By which ways people hear of alerts, and what became of each notice. */
export const notificationRoutes = {
  listChannels: {
    summary: "The ways by which people hear of alerts",
    role: "viewer",
    answers: { 200: z.object({ channels: z.array(channelDocument) }) },
  },
  setChannel: {
    summary: "Make a channel, or change one; secrets that are left out stay, unless the address is another one",
    role: "admin",
    fleet: true,
    params,
    body: z.strictObject({
      kind: z.string().check(z.maxLength(40)),
      settings: about(
        z.record(z.string(), z.nullable(z.string().check(z.maxLength(20_000)))),
        "all of them, as text; null takes a secret away",
      ),
      enabled: z._default(z.boolean(), true),
      usual: z._default(isUsual, true),
    }),
    answers: { 200: channelDocument },
  },
  removeChannel: {
    summary: "Take a channel away; what waits for it is given up",
    role: "admin",
    fleet: true,
    params,
    answers: { 204: z.null() },
    problems: [404],
  },
  testChannel: {
    summary: "Send a test by a channel, now, and say what the other side answered",
    role: "admin",
    fleet: true,
    params,
    answers: { 200: tested },
    problems: [404],
  },
  listBrowsers: {
    summary: "Your browsers that are told of alerts, the newest first; with the key by which a browser subscribes",
    role: "viewer",
    answers: {
      200: z.object({ key: about(z.string(), "applicationServerKey"), browsers: z.array(browserDocument) }),
    },
  },
  addBrowser: {
    summary: "Have a browser of yours told of alerts of what you may see, as it says when it has subscribed",
    role: "viewer",
    person: true,
    body: subscription,
    answers: { 200: browserDocument },
  },
  removeBrowser: {
    summary: "Have a browser of yours told no more; what waits for it is given up",
    role: "viewer",
    person: true,
    params: browserParams,
    answers: { 204: z.null() },
    problems: [404],
  },
  testBrowser: {
    summary: "Send a test to a browser of yours, now, and say what its push service answered",
    role: "viewer",
    person: true,
    params: browserParams,
    answers: { 200: tested },
    problems: [404],
  },
  listDeliveries: {
    summary:
      "Notices and what became of them by each channel and in your browsers, the newest first; of devices within reach",
    role: "viewer",
    query: z.object({
      channel: z.optional(
        about(channelName, "browsers: yours, or everybody's for an administrator of the whole fleet"),
      ),
      state: z.optional(z.enum(["waiting", "delivered", "failed"])),
      alert: z.optional(z.string().check(z.maxLength(200))),
      limit: limit(200, 50),
      before: placeInList("those before this one"),
    }),
    answers: { 200: z.object({ deliveries: z.array(deliveryDocument), next: nextPlace }) },
  },
} as const satisfies Record<string, Route>;
