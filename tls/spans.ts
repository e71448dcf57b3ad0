const day = 86_400_000;

/**
 * From when on everything is valid: a fixed moment before the first Muster with TLS. A start of validity protects nothing in a private
 * authority, and a device without a clock of its own wakes months in the past; so does a console that makes its authority before it has
 * heard the time.
 */
export const firstMoment = Date.UTC(2025, 0, 1);

/** Milliseconds that an authority of Muster's own is good for. */
export const authorityLife = 3_650 * day;
/** And a server's certificate, which nobody pins. */
export const serverLife = 90 * day;
/** Left of a server's certificate when it is renewed: a month in which somebody may see that it fails. */
export const renewBefore = 30 * day;
/** How far back a server's certificate reaches. With its life that is less than the 825 days that Apple's systems allow in all. */
export const reachBack = 365 * day;

interface Span {
  readonly notBefore: number;
  readonly notAfter: number;
}

/** No clock is right that says less: this program was not there yet. */
function atLeastNow(now: number): number {
  return Math.max(now, firstMoment + reachBack);
}

export function authoritySpan(now: number): Span {
  return { notBefore: firstMoment, notAfter: atLeastNow(now) + authorityLife };
}

/** @param authorityEnd until when its authority is good: nothing outlives that */
export function serverSpan(now: number, authorityEnd: number): Span {
  const from = atLeastNow(now);
  return { notBefore: from - reachBack, notAfter: Math.min(from + serverLife, authorityEnd) };
}

/** Whether it is time for another certificate; also where the clock was ahead when it was made. */
export function isDue({ notBefore, notAfter }: Span, now: number): boolean {
  const at = atLeastNow(now);
  return at < notBefore || at > notAfter - renewBefore;
}
