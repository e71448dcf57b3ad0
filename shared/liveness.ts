/** Milliseconds within which messages are one round of a device: it sends several series one behind the other. */
export const roundLength = 1_000;
/** Rounds that a device may leave out before it counts as silent. */
const roundsLeftOut = 3;
/** Milliseconds beside that, for the way. */
const patience = 5_000;
/** Milliseconds after which a device counts as silent whose rhythm is not known, as after one message. */
export const silentByDefault = 600_000;
/** Milliseconds by which a sample may be older than the message that brings it, and is no backlog: clocks are off. */
export const nearNow = 300_000;
/** How much of the way to a shorter gap the rhythm goes at each round: one that has become faster is believed after some. */
const towardsShorter = 1 / 8;

/** How a device that only publishes is used to be heard; times are epoch ms. */
export interface Rhythm {
  /** When its last round began. */
  readonly round: number;
  /** The longest of its usual gaps between rounds, in ms; undefined before the second one. */
  readonly gap: number | undefined;
}

/**
 * What one more message makes of a device's rhythm. A gap that is longer counts at once, up to twice the one before, so that an outage is not
 * taken for a habit and a new habit is learned within some rounds; a shorter one bit by bit.
 */
export function learned(rhythm: Rhythm | undefined, now: number): Rhythm {
  // A clock that was set back has measured nothing.
  if (!rhythm || now < rhythm.round) return { round: now, gap: rhythm?.gap };
  const gap = now - rhythm.round;
  if (gap < roundLength) return rhythm;
  const before = rhythm.gap;
  if (before === undefined) return { round: now, gap };
  const next = gap > before ? Math.min(gap, 2 * before) : before + (gap - before) * towardsShorter;
  return { round: now, gap: Math.round(next) };
}

/**
 * What a message makes of it whose newest sample was taken at `taken`: rounds are as far apart as their samples, so that a backlog that comes in one go is no rhythm,
 * and what is old says nothing of how often the device is heard. Without samples the moment of the message counts.
 */
export function learnedOf(rhythm: Rhythm | undefined, taken: number | undefined, now: number): Rhythm | undefined {
  if (taken === undefined) return learned(rhythm, now);
  return taken < now - nearNow ? rhythm : learned(rhythm, Math.min(taken, now));
}

/** Milliseconds without a word after which a device is silent. */
export function silentAfter(rhythm: Rhythm | undefined): number {
  return rhythm?.gap === undefined ? silentByDefault : roundsLeftOut * rhythm.gap + patience;
}

/** The gap between two rounds that a device is used to, in ms, by what {@link silentAfter} says; undefined where it is not known. */
export const usualGap = (after: number | null | undefined): number | undefined =>
  after === undefined || after === null || after === silentByDefault ? undefined : (after - patience) / roundsLeftOut;

/** `online` and `offline` are of agents, which say so; `reporting` and `silent` of what only publishes. */
export const livenesses = ["online", "offline", "reporting", "silent"] as const;
export type Liveness = (typeof livenesses)[number];

export interface Lived {
  readonly online: boolean;
  /** Of its agent's run; null where it has none. */
  readonly boot: string | null;
  readonly lastSeen: number | null;
  /** Left out by a console of before. */
  readonly silentAfter?: number | null | undefined;
}

/** How a device is at this moment. @param now epoch ms */
export function livenessOf({ online, boot, lastSeen, silentAfter: after }: Lived, now: number): Liveness {
  if (online) return "online";
  if (boot !== null || lastSeen === null) return "offline";
  return now - lastSeen <= (after ?? silentByDefault) ? "reporting" : "silent";
}
