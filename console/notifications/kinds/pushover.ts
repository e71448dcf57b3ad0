import { cutTo } from "../notice.ts";
import { plainBody, urgencyOf, wordsOf } from "../notice-words.ts";
import { jsonIn, memberOf } from "../try-outcome.ts";
import { below, jsonRequest, type HttpKind } from "./http-kind.ts";

/** Characters of a message's parts. */
export const maxPushover = { title: 250, message: 1_024, url: 512 } as const;

export const pushover: HttpKind = {
  request: ({ notice, now }, setting) => {
    const words = wordsOf(notice, now);
    const device = setting("device");
    const isLinkable = words.url !== null && words.url.length <= maxPushover.url;
    return jsonRequest(below(setting("server"), "/1/messages.json"), {
      token: setting("token"),
      user: setting("user"),
      title: cutTo(words.title, maxPushover.title),
      // An empty one is refused.
      message: cutTo(plainBody(words) || words.title, maxPushover.message),
      // 2 would ring until somebody answers, which nobody has asked for.
      priority: [-1, -1, 0, 1][urgencyOf(notice)],
      timestamp: Math.floor(notice.at / 1_000),
      ...(device === "" ? {} : { device }),
      ...(isLinkable ? { url: words.url, url_title: "Open in Muster" } : {}),
    });
  },
  judge: (answer) => {
    const told = jsonIn(answer);
    if (answer.status === 200 && memberOf(told, "status") !== 1)
      return { kind: "later", said: "200, but no answer of a Pushover server" };
    const errors = memberOf(told, "errors");
    if (answer.status !== 400 || !Array.isArray(errors)) return undefined;
    const said = `400: ${errors.join("; ")}`;
    // Token, user and device are settings, which a person may mend.
    return { kind: /token|user|device/i.test(said) ? "later" : "refused", said };
  },
};
