import { parseDuration } from "#shared/duration";
import { BadInputError } from "#shared/errors";

/** A moment as people write it. @param now epoch ms @param what names it in the message @returns epoch ms @throws BadInputError */
export function toMoment(text: string, now: number, what: string): number {
  if (text === "now") return Math.round(now);
  if (text.startsWith("-")) return Math.round(now - parseDuration(text.slice(1), what));
  const moment = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
  if (Number.isNaN(moment) || Math.abs(moment) > 8.64e15) {
    throw new BadInputError(
      `${what}=${JSON.stringify(text)} is not a moment: expected epoch milliseconds, ISO 8601, now, or a duration ago such as -15m`,
    );
  }
  return moment;
}
