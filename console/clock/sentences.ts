import { counted } from "#shared/counted";
import { span } from "./skews.ts";

/** Why the console's clock is not believed. */
export interface Doubt {
  readonly state: "ahead" | "behind";
  /** Which of the doubts it is: another kind is told anew. */
  readonly kind: "ahead" | "denied" | "before-past" | "before-muster";
  /** Milliseconds that it is off, as far as is known. */
  readonly by: number;
  /** As a sentence, with what becomes of it and what to do. */
  readonly why: string;
  /** Whether a person has to know: that a console was off over night is nothing to look into. */
  readonly notable: boolean;
}

/** Milliseconds that a console may have been off without a word on the page. */
const longAbsence = 86_400_000;

export function beforeMuster(wall: number): Doubt {
  const why = `the console's clock says ${iso(wall)}, which cannot be: nothing is taken, stored or deleted until it is set`;
  return { state: "behind", kind: "before-muster", by: Date.UTC(2020, 0, 1) - wall, why, notable: true };
}

/** @param past the newest moment that the console has written down, or that its devices agree on */
export function beforePast(wall: number, past: number): Doubt {
  const by = past - wall;
  const why = `the console's clock says ${iso(wall)}, ${about(by)} before what has been already (${iso(past)}): nothing is taken, stored or deleted until it is set`;
  return { state: "behind", kind: "before-past", by, why, notable: true };
}

/** @param witnesses devices that agree on another time */
export function aheadOf(
  wall: number,
  { known, witnesses, stepped = false }: { known: number; witnesses?: number; stepped?: boolean },
): Doubt {
  const by = wall - known;
  const says = `the console's clock says ${iso(wall)}, ${about(by)} later than ${stepped ? "it was to be by the machine's uptime" : "what was last known"} (${iso(known)})`;
  if (witnesses !== undefined) {
    const why = `${says}, and ${counted(witnesses, "device agrees", "devices agree")} that it is wrong: samples are placed by their clocks, and nothing is deleted by age until it is set`;
    return { state: "ahead", kind: "denied", by, why, notable: true };
  }
  const why = `${says}: nothing is deleted by age until a device's clock agrees, or an hour has passed`;
  return { state: "ahead", kind: "ahead", by, why, notable: stepped || by > longAbsence };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** To the minute: what arrives a moment late must not make 8 d of it 7 d 23 h. */
function about(ms: number): string {
  return span(Math.round(ms / 60_000) * 60_000);
}
