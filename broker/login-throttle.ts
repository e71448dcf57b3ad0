import type { Clock } from "#shared/clock";

const minute = 60_000;
/** How many pairs are remembered; beyond it the oldest is forgotten. */
const most = 10_000;

/**
 * Slows down who guesses: after some failed logins of one name from one address within a minute, further ones are refused
 * without a look at the secret until the minute is over. The name is part of it so that one misconfigured program does not lock out
 * the others on its machine.
 */
export class LoginThrottle {
  readonly #failures = new Map<string, { since: number; count: number }>();
  readonly #clock: Clock;
  readonly #allowed: number;

  constructor(clock: Clock, allowed: number) {
    this.#clock = clock;
    this.#allowed = allowed;
  }

  blocks(address: string, name: string): boolean {
    const known = this.#failures.get(keyOf(address, name));
    return known !== undefined && known.count >= this.#allowed && this.#clock.monotonic() - known.since < minute;
  }

  failed(address: string, name: string): void {
    const key = keyOf(address, name);
    const now = this.#clock.monotonic();
    const known = this.#failures.get(key);
    if (known && now - known.since < minute) known.count += 1;
    else this.#remember(key, now);
  }

  succeeded(address: string, name: string): void {
    this.#failures.delete(keyOf(address, name));
  }

  #remember(key: string, now: number): void {
    this.#failures.delete(key);
    this.#failures.set(key, { since: now, count: 1 });
    const oldest = this.#failures.size > most ? this.#failures.keys().next().value : undefined;
    if (oldest !== undefined) this.#failures.delete(oldest);
  }
}

function keyOf(address: string, name: string): string {
  return `${address} ${name}`;
}
