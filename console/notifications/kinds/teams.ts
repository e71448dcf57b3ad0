import { cutTo } from "../notice.ts";
import { plainBody, urgencyOf, wordsOf } from "../notice-words.ts";
import { jsonRequest, type HttpKind } from "./http-kind.ts";

/** Characters of a card's parts: a message has 28 KB, in whatever alphabet. */
export const maxTeams = { title: 250, body: 4_000 } as const;

const styles = ["Good", "Accent", "Warning", "Attention"];

/** A workflow's webhook, with an adaptive card. Runs of text, because a TextBlock would take Markdown from a device. */
export const teams: HttpKind = {
  request: ({ notice, now }, setting) => {
    const words = wordsOf(notice, now);
    const run = (text: string, more: object = {}): object => ({
      type: "RichTextBlock",
      inlines: [{ type: "TextRun", text, ...more }],
    });
    const lines = cutTo(plainBody(words), maxTeams.body).split("\n").filter(Boolean);
    const title = run(cutTo(words.title, maxTeams.title), {
      weight: "Bolder",
      size: "Medium",
      color: styles[urgencyOf(notice)],
    });
    const content = {
      $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
      type: "AdaptiveCard",
      version: "1.4",
      body: [title, ...lines.map((line) => run(line))],
      ...(words.url === null ? {} : { actions: [{ type: "Action.OpenUrl", title: "Open in Muster", url: words.url }] }),
    };
    const attachment = { contentType: "application/vnd.microsoft.card.adaptive", contentUrl: null, content };
    return jsonRequest(setting("url"), { type: "message", attachments: [attachment] });
  },
};
