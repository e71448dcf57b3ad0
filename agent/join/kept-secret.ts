import type { LinkSecret } from "#shared/link-secret";
import { asError } from "#shared/errors";
import type { Log } from "#shared/log";
import { generateSecret, hashSecret, rounds } from "#shared/password";
import type { IdentityFile } from "./identity.ts";

/**
 * The secret of a machine that has joined, and the next one while it is changed: made here, and on the disk before anybody hears of it. Both
 * are tried in turn until the broker has let the next one in, so that it does not matter what of the change a kill leaves undone.
 */
export class KeptSecret implements LinkSecret {
  readonly #file: IdentityFile;
  readonly #log: Log;
  #triesNext: boolean;

  constructor(file: IdentityFile, log: Log) {
    this.#file = file;
    this.#log = log;
    this.#triesNext = file.read().next !== undefined;
  }

  get current(): string {
    const { joined, next } = this.#file.read();
    return (this.#triesNext ? next?.secret : undefined) ?? joined?.secret ?? "";
  }

  /** @returns the hash of the next secret */
  rotate(): string {
    const kept = this.#file.read();
    const secret = generateSecret();
    const next = kept.next ?? { secret, hash: hashSecret(secret, rounds.generated) };
    if (!kept.next) this.#file.write({ ...kept, next });
    this.#triesNext = true;
    return next.hash;
  }

  readonly accepted = (): void => {
    if (!this.#triesNext) return;
    try {
      const { joined, next, ...kept } = this.#file.read();
      if (joined && next) this.#file.write({ ...kept, joined: { ...joined, ...next } });
      this.#triesNext = false;
    } catch (error) {
      this.#log.warn({ err: asError(error) }, "the new secret is in use, and the old one cannot be taken away yet");
    }
  };

  readonly refused = (): void => {
    this.#triesNext = !this.#triesNext && this.#file.read().next !== undefined;
  };
}
