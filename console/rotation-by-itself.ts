import type { Clock } from "#shared/clock";
import { counted } from "#shared/counted";
import { asError, BadInputError } from "#shared/errors";
import type { Log } from "#shared/log";
import type { Audit } from "./audit/audit.ts";

const day = 86_400_000;
/** How often it is looked whether something is due. */
export const rotationLookEvery = 3_600_000;
/** Milliseconds that both are trusted at least before a rotation ends by itself: tools have files that somebody has to replace. */
export const bothTrusted = 30 * day;
/** Left of an authority when a rotation begins by itself, and when one ends whoever is left behind: from then on nobody could connect anyway. */
export const rotateBefore = 365 * day;
export const finishBefore = 30 * day;

/** Where an authority stands. Times are epoch ms. */
export interface RotationStand {
  /** When the present one ends; in a rotation, the one that is to go. */
  readonly until: number;
  /** Since when a rotation goes on; undefined outside one. */
  readonly since: number | undefined;
  /** Who could not connect any more if it ended now. */
  readonly lacking: readonly string[];
}

export interface RotationByItselfOptions {
  readonly stand: () => RotationStand;
  readonly begin: () => Promise<void>;
  /** Ends it, whoever is left behind. */
  readonly end: () => void;
  /** What is written down where nobody asked for it. */
  readonly audited: { readonly begun: string; readonly ended: string };
  /** What the log is told. */
  readonly words: { readonly begun: string; readonly leftBehind: string; readonly failed: string };
  readonly audit: Pick<Audit, "record">;
  readonly clock: Clock;
  readonly log: Log;
}

/** Begins a rotation a year before an authority ends, and ends it once nobody is left behind, or the old one's last month has come. */
export class RotationByItself {
  readonly #options: RotationByItselfOptions;
  #cancelLook: () => void = () => {};

  constructor(options: RotationByItselfOptions) {
    this.#options = options;
  }

  start(): void {
    const { clock, log, words } = this.#options;
    this.#cancelLook = clock.after(rotationLookEvery, () => {
      this.start();
      this.look().catch((thrown: unknown) => log.error({ err: asError(thrown) }, words.failed));
    });
  }

  stop(): void {
    this.#cancelLook();
  }

  /** Does what is due. */
  async look(): Promise<void> {
    const { stand, begin, end, audited, words, clock, log } = this.#options;
    const { until, since, lacking } = stand();
    const left = until - clock.now();
    if (since === undefined) {
      if (left > rotateBefore) return;
      log.warn({ until: new Date(until).toISOString() }, words.begun);
      this.#note(audited.begun);
      return begin();
    }
    const isOver = clock.now() - since >= bothTrusted && lacking.length === 0;
    if (!isOver && left > finishBefore) return;
    if (lacking.length > 0) log.error({ lacking }, words.leftBehind);
    this.#note(audited.ended);
    end();
  }

  /** What somebody did is audited where they came in. */
  #note(what: string): void {
    this.#options.audit.record({ who: "console", from: "console", what });
  }
}

/**
 * @param whose why they could not, for one and for several: "device has a certificate of the old authority" @param verb ends the rotation
 * @throws BadInputError where somebody could not connect any more
 */
export function assertNobodyLacking(
  lacking: readonly string[],
  {
    one,
    several,
    why,
    verb,
  }: { readonly one: string; readonly several: string; readonly why: string; readonly verb: string },
): void {
  if (lacking.length === 0) return;
  const named = `${lacking.slice(0, 5).join(", ")}${lacking.length > 5 ? ", …" : ""}`;
  throw new BadInputError(
    `${counted(lacking.length, one, several)} ${why}, and could not connect any more: ${named}; wait until each has been online, or leave behind who has not: ${verb} --leave-behind`,
  );
}
