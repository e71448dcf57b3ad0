import { createHash, randomBytes } from "node:crypto";
import type { Clock } from "#shared/clock";
import { networkOf } from "#shared/crowd";
import { LoginThrottle, type LoginSource } from "#shared/login-throttle";
import { hashOfNothing, looksGenerated, rounds, roundsOf, verifySecret } from "#shared/password";
import type { Principal } from "#shared/principal";
import { principalOf, type Account } from "./account.ts";
import type { CodeGuesses } from "./code-guesses.ts";
import type { LoginPlaces } from "./login-places.ts";

/** Hashes that no secret has, to take the time of those that one has. */
const nobody = { chosen: hashOfNothing(rounds.person), generated: hashOfNothing(rounds.generated) };

type Find = (name: string) => Account | undefined;

/** What is known of logins besides the accounts. */
interface Known {
  readonly places: LoginPlaces;
  readonly guesses: CodeGuesses;
  /** Whether a code is asked for besides the password. */
  readonly needsCode: (name: string) => boolean;
}

/** Whether a name and a secret belong together: for all doors, with one throttle. */
export class Logins {
  readonly #find: Find;
  readonly #throttle: LoginThrottle;
  /** Name → fast digest of a secret that was right for the stored hash, so that a session's many requests pay for one. */
  readonly #verified = new Map<string, { readonly hash: string; readonly digest: string }>();
  readonly #pepper = randomBytes(16);
  readonly #places: LoginPlaces;
  readonly #guesses: CodeGuesses;
  readonly #needsCode: Known["needsCode"];

  /** @param find the account of a name, as it is at that moment */
  constructor(clock: Clock, find: Find, { places, guesses, needsCode }: Known) {
    this.#find = find;
    this.#places = places;
    this.#guesses = guesses;
    this.#needsCode = needsCode;
    this.#throttle = new LoginThrottle(clock);
  }

  /** A secret that was right before is known again at once; another one that somebody chose waits for its turn. @throws LoginsBusyError */
  async verify(name: string, secret: string | Buffer, source?: LoginSource): Promise<Principal | undefined> {
    const account = this.#find(name);
    const known = this.#verified.get(name);
    if (account && known?.hash === account.hash && known.digest === this.#digestOf(secret)) return principalOf(account);
    const right = await this.#matches(account?.hash, name, secret, source);
    // The hashing takes time in which the account may be given another secret, or go.
    const still = right ? this.#find(name) : undefined;
    if (!still || still.hash !== account?.hash) {
      if (source) this.#throttle.failed(source, name);
      return undefined;
    }
    if (source) {
      this.#throttle.succeeded(source, name);
      // Generated secrets never wait: nobody has to know where they come from.
      // Who has the password of an account with a second factor has not come in yet.
      if (!isCheap(still.hash) && !this.#needsCode(name)) this.#places.note(name, source.address);
    }
    this.remember(name, still.hash, secret);
    return principalOf(still);
  }

  /** Another check of the same login, in its turn: a wrong one counts as a failed login. */
  async inTurn(name: string, source: LoginSource, check: () => boolean): Promise<boolean> {
    const known = this.#places.isKnown(name, source.address);
    const right = await this.#throttle.inTurn({ ...source, known }, name, async () => check());
    if (right) this.#throttle.succeeded(source, name);
    else this.#throttle.failed(source, name);
    return right;
  }

  /**
   * A code beside a password that was right: a six-digit one affords few guesses, whatever address each comes from.
   * @throws LoginsBusyError while there have been too many
   */
  async code(name: string, source: LoginSource, check: () => boolean): Promise<boolean> {
    const place = this.#places.isKnown(name, source.address) ? networkOf(source.address) : "";
    this.#guesses.assertOpen(name, place);
    const right = await this.inTurn(name, source, () => {
      // Others have had their turn meanwhile.
      this.#guesses.assertOpen(name, place);
      const taken = check();
      this.#guesses.note(name, place, taken, source.address);
      return taken;
    });
    if (right) this.#places.note(name, source.address);
    return right;
  }

  /** Of the places that the account has come in from only this one counts. */
  onlyFrom(name: string, { address }: LoginSource): void {
    this.#places.forget(name);
    this.#places.note(name, address);
  }

  wrongToken(source: LoginSource): void {
    this.#throttle.failed(source, "");
  }

  /** That `secret` is the one of `hash`, the name's own. */
  remember(name: string, hash: string, secret: string | Buffer): void {
    this.#verified.set(name, { hash, digest: this.#digestOf(secret) });
  }

  forget(name: string): void {
    this.#verified.delete(name);
  }

  /**
   * What a check costs depends on the secret that is offered and not on whether there is such an account, or whose it is: the
   * time tells neither names nor which of them are devices. A secret of the generated form costs few rounds, any other one the many
   * of a chosen password, in its turn. Only a right one is faster.
   */
  async #matches(
    hash: string | undefined,
    name: string,
    secret: string | Buffer,
    source?: LoginSource,
  ): Promise<boolean> {
    const kept = roundsOf(hash ?? nobody.generated);
    const cheap = isCheap(hash ?? nobody.generated);
    if (cheap && (await verifySecret(secret, hash ?? nobody.generated))) return hash !== undefined;
    if (looksGenerated(secret.toString())) {
      if (cheap) return false;
      if (kept === rounds.person) return verifySecret(secret, nobody.generated);
    }
    const check = (): Promise<boolean> => verifySecret(secret, cheap || !hash ? nobody.chosen : hash);
    if (!source) return check();
    return this.#throttle.inTurn({ ...source, known: this.#places.isKnown(name, source.address) }, name, check);
  }

  #digestOf(secret: string | Buffer): string {
    return createHash("sha256").update(this.#pepper).update(secret).digest("base64");
  }
}

function isCheap(hash: string): boolean {
  return roundsOf(hash) < rounds.person / 2;
}
