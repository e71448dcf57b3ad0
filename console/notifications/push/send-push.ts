import { createHash } from "node:crypto";
import type { Clock } from "#shared/clock";
import type { Log } from "#shared/log";
import { forTerminal } from "#shared/printable";
import type { Audit } from "../../audit/audit.ts";
import type { Channel } from "../channel.ts";
import type { HttpRequest, Outgoing } from "../kinds/http-kind.ts";
import { bytesTo } from "../kinds/ntfy.ts";
import type { Notice } from "../notice.ts";
import { plainBody, urgencyOf, wordsOf } from "../notice-words.ts";
import { askOnce, type OutgoingOptions } from "../outgoing-http.ts";
import { judgedByStatus, maxSaid, type HttpAnswer, type TryOutcome } from "../try-outcome.ts";
import { browserIn, type Browser } from "./browser.ts";
import type { Browsers } from "./browsers.ts";
import { encryptPush, maxPushText } from "./encrypt-push.ts";
import { vapidAuthorization } from "./vapid.ts";

/** Seconds for which a push service keeps what a browser that is away has not fetched: older news is on the page. */
export const pushKept = 86_400;
/** Milliseconds for which a token counts; a day is the most that push services take. */
const tokenGoodFor = 12 * 3_600_000;
/** Milliseconds for a push, with its answer: push services answer at once, and one that does not holds up others. */
const pushTime = 10_000;

export interface SendPushOptions {
  readonly browsers: Browsers;
  readonly clock: Clock;
  readonly log: Log;
  readonly audit: Pick<Audit, "along">;
  /** Where whoever runs a push service finds us: the console's own address, where it is known. */
  readonly subject: string;
  /** PEM of the authorities that push services' certificates may come from; the system's where it is left out. */
  readonly ca?: string | undefined;
}

/** Tries once to bring a notice to a browser. @throws Error where its push service gives no answer */
export function sendPush({ browsers, clock, log, audit, subject, ca }: SendPushOptions) {
  return async (channel: Channel, outgoing: Outgoing, way: OutgoingOptions): Promise<TryOutcome> => {
    const browser = browsers.find(browserIn(channel.name));
    if (!browser || browser.gone !== null) return { kind: "refused", said: "there is no such browser any more" };
    const { notice, now } = outgoing;
    const reach = browsers.reach(notice, browser);
    if (reach === "nothing")
      return { kind: "refused", said: `"${browser.account}" may not see what this is about any more` };
    const authorization = vapidAuthorization(browsers.key(), {
      aud: new URL(browser.endpoint).origin,
      exp: Math.floor((clock.now() + tokenGoodFor) / 1_000),
      sub: subject,
    });
    const text = reach === "all" ? textFor(notice, now, pathOf(notice)) : textFor(inPart(notice), now, "/alerts");
    const request: HttpRequest = {
      method: "POST",
      url: browser.endpoint,
      headers: {
        authorization,
        "content-encoding": "aes128gcm",
        "content-type": "application/octet-stream",
        ttl: String(pushKept),
        urgency: urgencies[urgencyOf(notice)],
        topic: topicOf(notice.alert),
      },
      body: encryptPush(text, browser),
      ...(ca === undefined ? {} : { ca }),
    };
    const answer = await askOnce(request, { time: pushTime, ...way, mayReach: browsers.mayReach });
    return judged(answer, browser);
  };

  function judged(answer: HttpAnswer, browser: Browser): TryOutcome {
    // What else it says goes to the log alone: whoever has named the address would read by us what is told to us.
    const { status, body } = answer;
    const reason = forTerminal(body, maxSaid).replaceAll(new URL(browser.endpoint).pathname, "•••");
    if (status >= 300) log.debug({ browser: browser.id, status, reason }, "a push service has said no");
    if (answer.status !== 404 && answer.status !== 410) return judgedByStatus({ ...answer, body: "" }, clock.now());
    const said = `${answer.status}: its push service says that there is no such browser any more; switch it on there again`;
    const { account, name, id } = browser;
    const event = { who: "console", from: "console", what: "browser.gone", on: id, detail: { account, name } } as const;
    audit.along(event, () => browsers.gone(browser, said));
    log.info(
      { account, browser: name },
      "a browser is told of alerts no more: its push service does not know it any more",
    );
    return { kind: "refused", said };
  }
}

const urgencies = ["normal", "low", "normal", "high"] as const;

/** Of what waits for a browser that is away only the newest word of each alert stays: 32 characters at most, of base64url (RFC 8030 §5.4). */
function topicOf(alert: string): string {
  return createHash("sha256").update(alert).digest("base64url").slice(0, 32);
}

/** What is about several devices, for who may see some of them alone. */
function inPart(notice: Notice): Notice {
  const what = notice.kind === "resolved" ? "is over" : "fires for several devices at once";
  return {
    ...notice,
    title: `${notice.rule} ${what}`,
    text: `${notice.rule} ${what}. Devices that you may see are among them.`,
    value: null,
    labels: {},
  };
}

/** Where on the page there is more of it. */
function pathOf({ kind, alert }: Notice): string {
  return kind === "test" ? "/notifications" : `/alerts/${encodeURIComponent(alert)}`;
}

/** What the page's service worker shows: a later word of the same alert takes the place of an earlier one. */
function textFor(notice: Notice, now: number, path: string): Buffer {
  const words = wordsOf(notice, now);
  const rest = { tag: topicOf(notice.alert), path, at: notice.at, again: notice.kind !== "resolved" };
  let body = plainBody(words);
  for (;;) {
    const text = Buffer.from(JSON.stringify({ title: words.title, body, ...rest }));
    if (text.length <= maxPushText || body === "") return text;
    // What JSON escapes is longer than it was: shorter in proportion, until it fits.
    body = bytesTo(body, Math.floor((Buffer.byteLength(body) * (maxPushText - 200)) / text.length));
  }
}
