import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import * as z from "zod/mini";
import type { Clock } from "#shared/clock";
import type { ProviderFlow } from "../provider/identity-provider.ts";

/** Milliseconds in which somebody has to be back from the identity provider. */
export const flowLength = 600_000;

const sealedFlow = z.object({ state: z.string(), nonce: z.string(), verifier: z.string(), until: z.number() });

/**
 * What a browser keeps while its person is at the identity provider: sealed, so that nobody makes one up, and with an end of its own,
 * because a cookie's is only asked for. Nothing of it is kept here, so strangers who begin logins fill nothing; a restart ends those
 * that are under way.
 */
export class FlowCookie {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #key = randomBytes(32);

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  seal({ state, nonce, verifier }: ProviderFlow): string {
    const sealed = { state, nonce, verifier, until: this.#clock.monotonic() + flowLength };
    const text = Buffer.from(JSON.stringify(sealed)).toString("base64url");
    return `${text}.${this.#sealOf(text).toString("base64url")}`;
  }

  /** @returns undefined for what was not sealed here, or too long ago */
  open(cookie: string): ProviderFlow | undefined {
    const [text = "", seal = ""] = cookie.split(".", 2);
    const [given, expected] = [Buffer.from(seal, "base64url"), this.#sealOf(text)];
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
    const { until, ...flow } = sealedFlow.parse(JSON.parse(Buffer.from(text, "base64url").toString()));
    return this.#clock.monotonic() < until ? flow : undefined;
  }

  #sealOf(text: string): Buffer {
    return createHmac("sha256", this.#key).update(text).digest();
  }
}
