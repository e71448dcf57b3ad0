/** What became of one try to deliver a notice, with a sentence for people. */
export type TryOutcome =
  | { readonly kind: "delivered"; readonly said: string }
  /** It will never be taken as it is. */
  | { readonly kind: "refused"; readonly said: string }
  /** It may be taken later; `after` milliseconds, where the other side says so. */
  | { readonly kind: "later"; readonly said: string; readonly after?: number };

/** An answer over HTTP. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** As far as it was read. */
  readonly body: string;
}

/** Characters that are kept of what the other side says. */
export const maxSaid = 300;

/**
 * What an answer means, where the service has no words of its own. What says that somebody is not known, or not allowed (401, 403, 404, 407), is
 * about the channel and not about the notice: a person may mend it, and the notice waits for that. Other refusals are for good.
 */
export function judgedByStatus(answer: HttpAnswer, now: number): TryOutcome {
  const { status } = answer;
  const said = `${status}${answer.body.trim() ? `: ${answer.body.trim()}` : ""}`;
  if (status >= 200 && status < 300) return { kind: "delivered", said };
  if (status >= 300 && status < 400)
    return {
      kind: "later",
      said: `${status}: it leads elsewhere, which is not followed: give the address that it leads to`,
    };
  const after = retryAfterOf(answer, now);
  const waits = status >= 500 || channelTroubles.has(status);
  if (!waits) return { kind: "refused", said };
  return { kind: "later", said, ...(after === undefined ? {} : { after }) };
}

/** Not known, not allowed, not now. */
const channelTroubles: ReadonlySet<number> = new Set([401, 402, 403, 404, 407, 408, 421, 423, 425, 429]);

/** Milliseconds, by the header: seconds, or a date (RFC 9110 §10.2.3). */
export function retryAfterOf({ headers }: HttpAnswer, now: number): number | undefined {
  const value = headers["retry-after"];
  if (typeof value !== "string" || value.trim() === "") return undefined;
  if (/^\s*\d+(\.\d+)?\s*$/.test(value)) return Math.ceil(Number(value) * 1_000);
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** An answer's JSON; undefined where it is none. */
export function jsonIn({ body }: HttpAnswer): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** A member of what may be an object. */
export function memberOf(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (from, name) =>
      typeof from === "object" && from !== null && Object.hasOwn(from, name) ? from[name as never] : undefined,
    value,
  );
}
