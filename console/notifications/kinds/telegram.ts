import { escapedTo, escapeHtml } from "../escapes.ts";
import { plainBody, urgencyOf, wordsOf } from "../notice-words.ts";
import { jsonIn, memberOf } from "../try-outcome.ts";
import { below, jsonRequest, type HttpKind } from "./http-kind.ts";

/** Characters of a message, escapes and all: fewer than the 4,096 that count once Telegram has read them. */
export const maxTelegram = { title: 500, message: 4_096 } as const;

export const telegram: HttpKind = {
  request: ({ notice, now }, setting) => {
    const words = wordsOf(notice, now);
    const title = `<b>${escapedTo(words.title, maxTelegram.title, escapeHtml)}</b>\n`;
    const link = words.url === null ? "" : `\n<a href="${escapeHtml(words.url)}">Open in Muster</a>`;
    const body = escapedTo(plainBody(words), maxTelegram.message - title.length - link.length, escapeHtml);
    const thread = setting("thread");
    return jsonRequest(below(setting("server"), `/bot${setting("token")}/sendMessage`), {
      chat_id: setting("chat"),
      text: `${title}${body}${link}`,
      parse_mode: "HTML",
      link_preview_options: { is_disabled: true },
      disable_notification: urgencyOf(notice) === 0,
      ...(thread === "" ? {} : { message_thread_id: Number(thread) }),
    });
  },
  judge: (answer) => {
    const told = jsonIn(answer);
    const [ok, said, after] = [
      memberOf(told, "ok"),
      memberOf(told, "description"),
      memberOf(told, "parameters", "retry_after"),
    ];
    if (answer.status === 200 && ok !== true) return { kind: "later", said: "200, but no answer of a Telegram server" };
    if (answer.status === 200) return { kind: "delivered", said: "200: ok" };
    const words = `${answer.status}: ${typeof said === "string" ? said : "no reason given"}`;
    if (answer.status === 429 && typeof after === "number") return { kind: "later", said: words, after: after * 1_000 };
    // The chat is a setting, which a person may mend.
    return typeof said === "string" && /chat not found|chat_id is empty/i.test(said)
      ? { kind: "later", said: words }
      : undefined;
  },
};
