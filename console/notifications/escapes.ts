import { cutTo } from "./notice.ts";

/** What keeps device text from being anything but text: each channel has its own signs. */

/** For HTML, also that of Telegram and Matrix. */
export function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

/** For Slack's mrkdwn: what stands between < and > would be a link, or a mention of everybody. Its other signs only make text bold. */
export function escapeSlack(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** For Markdown as Discord has it: every sign that could begin something, a mention among them. */
export function escapeMarkdown(text: string): string {
  return text.replaceAll(/[\\`*_{}[\]()#+\-.!|~<>@:]/g, (sign) => `\\${sign}`);
}

/** Escaped text of `most` characters at most: cut before it is escaped, so that no escape is cut in two. */
export function escapedTo(text: string, most: number, escape: (text: string) => string): string {
  let [part, written] = [text, escape(text)];
  while (written.length > most) {
    part = cutTo(text, Math.max(1, Math.min(part.length - 1, Math.floor((part.length * most) / written.length))));
    written = escape(part);
  }
  return written;
}
