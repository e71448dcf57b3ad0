import type { Incident } from "../incident.ts";
import type { Setting } from "../setting.ts";
import type { Struck } from "../striker.ts";

/** From when to when (epoch ms), both included. */
export type Span = readonly [from: number, to: number];

/**
 * Spans in which the PUBACK of a simple sample was the word of Mosquitto alone, which has answered before the console could take it. The
 * embedded broker answers for its console.
 *
 * - Mosquitto or the console dies, or the line between them breaks: what was on its way is gone, and nobody hears what follows;
 * - the console refuses it, for its clock or its disk: MQTT 3.1.1 has no other answer. The checker must have heard that.
 *
 * One that stands still, or is held, gets it all later.
 */
export function deafSpans(
  { broker }: Setting,
  struck: readonly Struck[],
  { began, healed, refused }: { readonly began: number; readonly healed: number; readonly refused: boolean },
): Span[] {
  if (broker === "embedded") return [];
  return struck.flatMap((one): Span[] => {
    if (one.who !== "server" && one.who !== "broker") return [];
    if (ends.has(one.what)) return [[began, healed]];
    const refuses = one.what === "fill" || (one.by ?? 0) < 0;
    return refused && refuses ? [[one.from, healed]] : [];
  });
}

/**
 * The same where the console has come off Mosquitto by itself, as its own process has written down: on a busy machine a ping may have no answer in time.
 * What Mosquitto had for it was on its way, and is gone.
 */
export function cutSpans(incidents: readonly Incident[], began: number): Span[] {
  const own = incidents.filter(({ who, at }) => who === "server" && at >= began);
  return own.flatMap(({ at, what }): Span[] => {
    if (!what.startsWith("cut off from the broker")) return [];
    const back = own.find((later) => later.at >= at && later.what === "hears again");
    return [[began, back?.at ?? Infinity]];
  });
}

/** What ends a process, or its connections. */
const ends: ReadonlySet<Struck["what"]> = new Set([
  "kill",
  "break",
  "power",
  "put back",
  "restore",
  "wake",
  "turn",
  "dies",
]);
