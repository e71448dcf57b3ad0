import { urgencyOf, plainBody, wordsOf } from "../notice-words.ts";
import { cutTo } from "../notice.ts";
import { below, jsonRequest, type HttpKind } from "./http-kind.ts";

/** Characters of ntfy's parts: 4,096 bytes of message, beyond which it makes a file of it. */
export const maxNtfy = { title: 250, message: 4_096 } as const;

/** By JSON and not by headers: these would have to be ASCII, and a line break in one would begin another. */
export const ntfy: HttpKind = {
  request: ({ notice, now }, setting) => {
    const words = wordsOf(notice, now);
    const token = setting("token");
    const message = {
      topic: setting("topic"),
      title: cutTo(words.title, maxNtfy.title),
      message: bytesTo(plainBody(words), maxNtfy.message),
      priority: urgencyOf(notice) + 2,
      tags: [notice.kind === "resolved" ? "white_check_mark" : "rotating_light"],
      ...(words.url === null ? {} : { click: words.url }),
    };
    const request = jsonRequest(
      below(setting("server"), "/"),
      message,
      token === "" ? {} : { authorization: `Bearer ${token}` },
    );
    return { ...request, ca: setting("ca") };
  },
};

/** Text of so many bytes in UTF-8. */
export function bytesTo(text: string, most: number): string {
  let part = text;
  while (Buffer.byteLength(part) > most)
    part = cutTo(text, Math.min(part.length - 1, Math.floor((part.length * most) / Buffer.byteLength(part))));
  return part;
}
