import { escapedTo, escapeHtml } from "../escapes.ts";
import { plainBody, wordsOf } from "../notice-words.ts";
import { cutTo } from "../notice.ts";
import { jsonIn, memberOf } from "../try-outcome.ts";
import { below, jsonRequest, type HttpKind } from "./http-kind.ts";

/** Characters of a message's text, twice in an event of 64 KiB. */
export const maxMatrix = 6_000;

/** The transaction's id is the delivery's key: a homeserver takes one that comes twice for the same event. */
export const matrix: HttpKind = {
  request: ({ notice, key, now }, setting) => {
    const words = wordsOf(notice, now);
    const body = plainBody(words);
    const link = words.url === null ? "" : `\n${words.url}`;
    const anchor = words.url === null ? "" : `<br><a href="${escapeHtml(words.url)}">Open in Muster</a>`;
    const title = `<b>${escapeHtml(words.title)}</b><br>`;
    const html = escapedTo(body, maxMatrix, (text) => escapeHtml(text).replaceAll("\n", "<br>"));
    const path = `/_matrix/client/v3/rooms/${encodeURIComponent(setting("room"))}/send/m.room.message/${encodeURIComponent(key)}`;
    const content = {
      msgtype: "m.text",
      body: `${words.title}\n${cutTo(body, maxMatrix)}${link}`,
      format: "org.matrix.custom.html",
      formatted_body: `${title}${html}${anchor}`,
      // Without it, a name in the text would ring for whoever bears it.
      "m.mentions": {},
    };
    const request = jsonRequest(
      below(setting("server"), path),
      content,
      { authorization: `Bearer ${setting("token")}` },
      "PUT",
    );
    return { ...request, ca: setting("ca") };
  },
  judge: (answer) => {
    const told = jsonIn(answer);
    if (answer.status === 200 && typeof memberOf(told, "event_id") !== "string")
      return { kind: "later", said: "200, but no answer of a Matrix homeserver" };
    const after = memberOf(told, "retry_after_ms");
    if (answer.status !== 429 || typeof after !== "number") return undefined;
    return { kind: "later", said: "429: M_LIMIT_EXCEEDED", after };
  },
};
