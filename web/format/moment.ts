import { inLocale } from "../language/text.ts";

const time = inLocale((of) => new Intl.DateTimeFormat(of, { hour: "2-digit", minute: "2-digit", second: "2-digit" }));
const day = inLocale((of) => new Intl.DateTimeFormat(of, { day: "numeric", month: "short" }));
const year = inLocale((of) => new Intl.DateTimeFormat(of, { day: "numeric", month: "short", year: "numeric" }));

/** A moment in the reader's time zone: the time alone for today, "21 Nov 12:03:04" before, with the year before this year. */
export function formatMoment(ts: number, now: number): string {
  const then = new Date(ts);
  const today = new Date(now);
  if (then.toDateString() === today.toDateString()) return time().format(then);
  return `${(then.getFullYear() === today.getFullYear() ? day() : year()).format(then)} ${time().format(then)}`;
}

const minute = inLocale((of) => new Intl.DateTimeFormat(of, { hour: "2-digit", minute: "2-digit" }));

/** The time without seconds, for an axis. */
export const formatMinute = (ts: number): string => minute().format(ts);

const whole = inLocale(
  (of) =>
    new Intl.DateTimeFormat(of, {
      weekday: "short",
      day: "numeric",
      month: "short",
      year: "numeric",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
      fractionalSecondDigits: 3,
      timeZoneName: "short",
    }),
);

/** All of a moment, with the zone that it is told in: what is shown on hover. */
export const formatWhole = (ts: number): string => whole().format(ts);

/** The time with milliseconds, for timelines: commands live in fractions of a second. */
export function formatExact(ts: number): string {
  return `${time().format(ts)}.${String(Math.trunc(ts) % 1_000).padStart(3, "0")}`;
}
