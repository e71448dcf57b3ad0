import { escapedTo, escapeSlack } from "../escapes.ts";
import { plainBody, wordsOf } from "../notice-words.ts";
import { jsonRequest, type HttpKind } from "./http-kind.ts";

/** Characters of a section's text and of a header's. */
export const maxSlack = { section: 3_000, title: 300 } as const;

/** An incoming webhook. `text` is what a phone shows and a screen reader says; the blocks are what stands in the channel. */
export const slack: HttpKind = {
  request: ({ notice, now }, setting) => {
    const words = wordsOf(notice, now);
    const title = escapedTo(words.title, maxSlack.title, escapeSlack);
    const link = words.url === null ? "" : `\n<${linkable(words.url)}|Open in Muster>`;
    const body = escapedTo(plainBody(words), maxSlack.section - link.length, escapeSlack);
    const section = (text: string): object => ({ type: "section", text: { type: "mrkdwn", text, verbatim: true } });
    return jsonRequest(setting("url"), {
      text: title,
      blocks: [section(`*${title.replaceAll("*", "∗")}*`), section(`${body}${link}`)],
      unfurl_links: false,
      unfurl_media: false,
    });
  },
};

/** An address between < and |, which must not end there. */
function linkable(url: string): string {
  return url.replaceAll(/[<>|\s]/g, (sign) => encodeURIComponent(sign));
}
