/** Milliseconds within which two agents that push each other out prove to be two. */
const rivalry = 10 * 60_000;
/**
 * Milliseconds after which the owner is gone that was not born again since its rival was refused: that one's connection has pushed it
 * out, and an agent that lives is back after its longest back-off, 30 s, and a bit.
 */
export const ownersComeback = 90_000;

/**
 * Tells a second agent under a live id from the first one come back, over any broker: brokers let the newer connection push
 * the older one out, so two agents take turns. An agent that was replaced (a new disk, a new machine) never comes back;
 * when the earlier instance does, the later one is a rival and is refused for as long as the owner comes back each time that it was pushed
 * out. So nobody is refused for ever by one that is gone.
 */
export class InstanceGuard {
  #owner: string | undefined;
  #replaced: { readonly instance: string; readonly at: number } | undefined;
  #rival: { readonly instance: string; readonly at: number; readonly refusedSince?: number } | undefined;

  /** Takes a birth of `instance` at `now` (ms). @returns whether that instance is refused */
  born(instance: string | undefined, now: number): boolean {
    if (instance === undefined) return false;
    if (instance === this.#owner) {
      if (this.#rival) this.#rival = { instance: this.#rival.instance, at: this.#rival.at };
      return false;
    }
    if (this.#rival?.instance === instance && now - this.#rival.at < rivalry) {
      const { refusedSince = now } = this.#rival;
      this.#rival = { instance, at: now, refusedSince };
      if (now - refusedSince < ownersComeback) return true;
      this.#rival = undefined;
      this.#replaced = undefined;
      this.#owner = instance;
      return false;
    }
    if (this.#owner !== undefined && this.#replaced?.instance === instance && now - this.#replaced.at < rivalry) {
      this.#rival = { instance: this.#owner, at: now };
      this.#replaced = undefined;
    } else if (this.#owner !== undefined) {
      this.#replaced = { instance: this.#owner, at: now };
    }
    this.#owner = instance;
    return false;
  }
}
