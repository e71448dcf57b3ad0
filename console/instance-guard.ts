/** Milliseconds within which two agents that push each other out prove to be two. */
const rivalry = 10 * 60_000;

/**
 * Tells a second agent under a live id from the first one come back, over any broker: brokers let the newer connection push
 * the older one out, so two agents take turns. An agent that was replaced (a new disk, a new machine) never comes back;
 * when the earlier instance does, the later one is a rival and is refused from then on.
 */
export class InstanceGuard {
  #owner: string | undefined;
  #replaced: { readonly instance: string; readonly at: number } | undefined;
  #rival: { readonly instance: string; readonly at: number } | undefined;

  /** Takes a birth of `instance` at `now` (ms). @returns whether that instance is refused */
  born(instance: string | undefined, now: number): boolean {
    if (instance === undefined || instance === this.#owner) return false;
    if (this.#rival?.instance === instance && now - this.#rival.at < rivalry) {
      this.#rival = { instance, at: now };
      return true;
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
