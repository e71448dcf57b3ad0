import type { Clock } from "#shared/clock";
import { formatDuration } from "#shared/duration";
import type { CommandId, DeviceId } from "#shared/ids";
import type { Task } from "#shared/messages/command-messages";
import type { Signature } from "#shared/messages/command-signature";
import { BadInputError } from "#shared/errors";
import { isSignedBy } from "#shared/signing/public-key";
import { clockAllowance, maxSignedTime } from "#shared/signing/times";
import { commandStatement, jobStatement } from "#shared/signing/statement";
import { rootBy } from "#shared/signing/targets";
import type { Signers } from "../signers.ts";
import type { Ledger } from "./ledger.ts";
import { rejectedOutcome, type Outcome } from "./outcome.ts";

export interface SignatureGateOptions {
  readonly device: DeviceId;
  readonly signers: Pick<Signers, "required" | "find" | "ids" | "problem">;
  /** From when on all that was begun is known: what is older may have been begun. */
  readonly ledger: Pick<Ledger, "signedFrom" | "forgottenUntil">;
  /** The device's own: the console's word on the time does not count for what must not be taken on the console's word. */
  readonly clock: Pick<Clock, "now">;
}

/**
 * Lets in only what a person has signed for this device, where keys are pinned. Whoever has the broker or the console can hold a command
 * back, and neither make one nor change one nor have one done twice.
 */
export class SignatureGate {
  readonly #options: SignatureGateOptions;

  constructor(options: SignatureGateOptions) {
    this.#options = options;
  }

  /** Whether there is anything to be signed by. */
  get isClosed(): boolean {
    return this.#options.signers.required;
  }

  /** @param begun whether it was begun in time, by an earlier run @returns how it ends here; undefined where it may go on */
  refusal(id: CommandId, task: Task, begun: boolean): Outcome | undefined {
    const { signers } = this.#options;
    if (!signers.required) return undefined;
    if (signers.problem !== undefined) return rejectedOutcome("unknown-signer", signers.problem);
    const { signature } = task;
    if (!signature) return rejectedOutcome("unsigned", this.#wanted("this device takes only commands that are signed"));
    const key = signers.find(signature.key);
    if (!key)
      return rejectedOutcome("unknown-signer", this.#wanted(`the key ${signature.key} is not pinned on this device`));
    const statement = this.#statement(id, task, signature);
    if (statement === undefined || !isSignedBy(key, statement, signature.value))
      return rejectedOutcome("bad-signature", badSignature(signature));
    return begun ? undefined : this.#untimely(signature);
  }

  #wanted(why: string): string {
    return `${why}: sign it with one of ${this.#options.signers.ids.join(", ")} (muster send --sign KEYFILE)`;
  }

  /** What must have been signed; undefined where nothing could have been. */
  #statement(id: CommandId, { key, args = {} }: Task, { ts, expires, job }: Signature): string | undefined {
    const { device } = this.#options;
    const stated = { id, key, args, ts, expires };
    try {
      if (!job) return commandStatement({ device, ...stated });
      const root = rootBy(job, device);
      return root === undefined ? undefined : jobStatement(stated, { root, count: job.count });
    } catch (thrown) {
      if (thrown instanceof BadInputError) return undefined;
      throw thrown;
    }
  }

  #untimely({ ts, expires }: Signature): Outcome | undefined {
    const { ledger, clock } = this.#options;
    const now = clock.now();
    const here = `this device's clock says ${moment(now)}, which is what counts here, and not the console's`;
    if (expires <= ts || expires - ts > maxSignedTime)
      return rejectedOutcome(
        "signature-time",
        `it is signed for ${formatDuration(expires - ts)}: expected more than nothing, and ${formatDuration(maxSignedTime)} at most`,
      );
    if (ts > now + clockAllowance)
      return rejectedOutcome(
        "signature-time",
        `it was signed at ${moment(ts)}, and ${here}: put right the clock that is wrong`,
      );
    if (expires <= now)
      return rejectedOutcome(
        "signature-expired",
        `its signature was good until ${moment(expires)}, and ${here}: sign it again, or put right the clock that is wrong`,
      );
    if (ts < ledger.signedFrom)
      return rejectedOutcome(
        "replayed",
        `it was signed at ${moment(ts)}, and what was carried out here is known from ${moment(ledger.signedFrom)} on: it may have been before; sign it again after that`,
      );
    if (expires <= ledger.forgottenUntil)
      return rejectedOutcome(
        "replayed",
        `its signature was good until ${moment(expires)}, and what was signed until ${moment(ledger.forgottenUntil)} is forgotten here: it may have been carried out; sign it again for longer`,
      );
    return undefined;
  }
}

function badSignature({ key, job }: Signature): string {
  const where = job ? "or this device is not in the list that was signed" : "or signed for another device or id";
  return `the signature of ${key} does not fit: the command was altered on its way, ${where}`;
}

function moment(ms: number): string {
  return new Date(Math.max(-8.64e15, Math.min(ms, 8.64e15))).toISOString();
}
