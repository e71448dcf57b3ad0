import { BadInputError } from "#shared/errors";
import { quoted } from "#shared/ids";

const units: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** A duration as people write it: `500ms`, `5s`, `1h30m`, or a number of milliseconds. */
export type Duration = string | number;

/** @returns milliseconds @throws BadInputError that shows how to write one */
export function parseDuration(duration: Duration, what = "duration"): number {
  if (typeof duration === "number" || /^\d+$/.test(duration)) return positive(Number(duration), what);
  const parts = [...duration.matchAll(/(\d+(?:\.\d+)?)(ms|[smhdw])/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== duration.trim()) {
    throw new BadInputError(
      `${what} ${quoted(duration)} is not a duration: expected for example 500ms, 5s, 15m, 1h30m, 7d, or milliseconds`,
    );
  }
  return positive(
    parts.reduce((sum, [, amount, unit = "ms"]) => sum + Number(amount) * (units[unit] ?? 1), 0),
    what,
  );
}

function positive(ms: number, what: string): number {
  if (Number.isFinite(ms) && ms > 0) return Math.round(ms);
  throw new BadInputError(`${what} must be more than 0, got ${ms} ms`);
}

/** Milliseconds in the two largest units that matter: `1h 30m`, `4.2s`, `350ms`. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  if (ms < 60_000) return `${Math.round(ms / 100) / 10}s`;
  const [large, small] =
    ms < 3_600_000 ? (["m", "s"] as const) : ms < 86_400_000 ? (["h", "m"] as const) : (["d", "h"] as const);
  const whole = Math.floor(ms / units[large]!);
  const rest = Math.floor((ms - whole * units[large]!) / units[small]!);
  return rest > 0 ? `${whole}${large} ${rest}${small}` : `${whole}${large}`;
}
