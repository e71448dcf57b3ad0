import { escapedTo, escapeMarkdown } from "../escapes.ts";
import { plainBody, urgencyOf, wordsOf } from "../notice-words.ts";
import { jsonIn, memberOf } from "../try-outcome.ts";
import { jsonRequest, type HttpKind } from "./http-kind.ts";

/** Characters of an embed's parts. */
export const maxDiscord = { title: 256, description: 4_096 } as const;

const colours = [0x2e9e5b, 0x3b82f6, 0xe0a020, 0xd64545];

export const discord: HttpKind = {
  request: ({ notice, now }, setting) => {
    const words = wordsOf(notice, now);
    const url = new URL(setting("url"));
    // Only so is what went wrong told, and not taken with 204.
    url.searchParams.set("wait", "true");
    const embed = {
      title: escapedTo(words.title, maxDiscord.title, escapeMarkdown),
      description: escapedTo(plainBody(words), maxDiscord.description, escapeMarkdown),
      color: colours[urgencyOf(notice)],
      timestamp: new Date(notice.at).toISOString(),
      ...(words.url === null ? {} : { url: words.url }),
    };
    // Nobody is mentioned, whatever stands in the text.
    return jsonRequest(url.href, { embeds: [embed], allowed_mentions: { parse: [] } });
  },
  judge: (answer) => {
    const after = memberOf(jsonIn(answer), "retry_after");
    if (answer.status !== 429 || typeof after !== "number") return undefined;
    return { kind: "later", said: "429: too many messages", after: Math.ceil(after * 1_000) };
  },
};
