import { readDuration } from "#shared/duration";
import { t, decimals } from "../language/text.ts";

/** Spans of time for people, and back. All in milliseconds. */
const units = [
  { letter: "d", ms: 86_400_000 },
  { letter: "h", ms: 3_600_000 },
  { letter: "m", ms: 60_000 },
  { letter: "s", ms: 1_000 },
] as const;

/** Two units at most: "3 d 4 h", "2 m 5 s", "3.2 s", "12 ms", "0.4 ms". */
export function formatCoarsely(ms: number): string {
  if (ms < 0) return `−${formatCoarsely(-ms)}`;
  if (ms < 10 && !Number.isInteger(ms)) return `${decimals(ms, 1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms > 1_000 && ms < 9_950 && ms % 1_000 !== 0) return `${decimals(ms / 1_000, 1)} s`;
  return twoUnits(Math.round(ms / 1_000) * 1_000);
}

function twoUnits(ms: number): string {
  const index = units.findIndex((unit) => ms >= unit.ms);
  const large = units[index];
  const small = units[index + 1];
  if (!large) return "0 s";
  const count = Math.floor(ms / large.ms);
  const rest = small ? Math.floor((ms - count * large.ms) / small.ms) : 0;
  return small && rest > 0 ? `${count} ${large.letter} ${rest} ${small.letter}` : `${count} ${large.letter}`;
}

function inUnits(ms: number, unit: (typeof units)[number]): string {
  return `${Math.floor(ms / unit.ms)} ${unit.letter}`;
}

/** How long ago `ts` was, in whole units: "now", "3 s ago", "5 m ago". A moment ahead, by clocks that differ, is "now". */
export function formatAgo(ts: number, now: number): string {
  const ms = now - ts;
  const unit = units.find((one) => ms >= one.ms);
  return unit ? t("{span} ago", { span: inUnits(ms, unit) }) : t("now");
}

/** In how long `ts` will be: "in 3 d", "now"; "2 d ago" where it is over. */
export function formatUntil(ts: number, now: number): string {
  if (ts <= now) return formatAgo(ts, now);
  const unit = units.find((one) => ts - now >= one.ms);
  return unit ? t("in {span}", { span: inUnits(ts - now, unit) }) : t("now");
}

/** As somebody would type it, and {@link typedDuration} reads it: "1h30m", exactly. */
export function writtenDuration(ms: number): string {
  let rest = Math.round(ms);
  const parts = units.map(({ letter, ms: unit }) => {
    const count = Math.floor(rest / unit);
    rest -= count * unit;
    return count > 0 ? `${count}${letter}` : "";
  });
  return `${parts.join("")}${rest > 0 ? `${rest}ms` : ""}`;
}

/** What somebody typed: milliseconds, or a sentence about what is wrong with it. */
export function typedDuration(text: string): { readonly ms: number } | { readonly problem: string } {
  try {
    return { ms: readDuration(text.toLowerCase()) };
  } catch (error) {
    const { message } = error as Error;
    return { problem: `${message.slice(0, 1).toUpperCase()}${message.slice(1)}.` };
  }
}
