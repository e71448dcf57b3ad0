import type { Configuration } from "openid-client";
import { isLoopbackHost } from "#shared/address";
import { ruleFor, type ClaimRule } from "#shared/claim-rules";
import type { Clock } from "#shared/clock";
import { networkOf } from "#shared/crowd";
import { asError } from "#shared/errors";
import type { Log } from "#shared/log";
import { ProviderRefusedError, type ProviderRefusal } from "#shared/provider-refusals";
import { Seldom } from "#shared/seldom";
import { boundedFetch } from "./bounded-fetch.ts";
import { claimsOf, personNameIn } from "./provider-claims.ts";

export interface IdentityProviderOptions {
  readonly issuer: string;
  readonly clientId: string;
  /** Without it the client is a public one, whose codes are safe by PKCE alone. */
  readonly clientSecret?: string | undefined;
  readonly scope: string;
  /** The claim that an account is called by. */
  readonly nameClaim: string;
  readonly rules: readonly ClaimRule[];
  /** Where browsers reach the console's page, without a slash at the end. Never what a request says of itself. */
  readonly origin: () => string;
  readonly log: Log;
  readonly clock: Pick<Clock, "monotonic">;
  /** Milliseconds for one answer; {@link providerPatience} unless given. */
  readonly patience?: number;
}

/** What a login has to show when it comes back; its browser keeps it. */
export interface ProviderFlow {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

/** Whom the provider has shown to be there. */
export interface ProvedPerson {
  /** The issuer and its word for the person, which never becomes another's. */
  readonly identity: string;
  /** By what the provider says; undefined where it says nothing that could be one. */
  readonly name: string | undefined;
  /** Undefined where no rule fits. */
  readonly rule: ClaimRule | undefined;
}

/** Where the provider sends browsers back to. */
export const callbackPath = "/login/provider/back";
/** Milliseconds for one answer of the provider; a login asks it up to four times. */
export const providerPatience = 5_000;
/** Logins at once that wait for the provider: it is not hammered by whoever hammers us. */
export const maxProviderCalls = 16;
/** Of these, logins of one network: strangers who bring codes that are none keep nobody else out. */
export const maxCallsOfNetwork = 4;
/** Milliseconds by which its clock and this machine's may differ. */
export const providerSkew = 60_000;
/** Characters of the provider's word for a person at most: OpenID Connect Core 1.0, 2. */
export const maxSubject = 255;
/** Milliseconds after which it is asked anew what it is; its keys are asked for whenever an unknown one has signed. */
export const descriptionAge = 3_600_000;

/**
 * Logs people in by OpenID Connect: authorisation code with PKCE, state and nonce. The provider is asked when somebody comes, so that
 * no start waits for it.
 */
export class IdentityProvider {
  readonly #options: IdentityProviderOptions;
  #description: { readonly found: Promise<Configuration>; readonly at: number } | undefined;
  /** The networks of those who wait for it. */
  readonly #calls: string[] = [];
  readonly #seldom: Seldom;

  constructor(options: IdentityProviderOptions) {
    this.#options = options;
    this.#seldom = new Seldom(options.log, options.clock);
  }

  /** How the provider is called on the page. */
  get host(): string {
    return new URL(this.#options.issuer).host;
  }

  get origin(): string {
    return this.#options.origin();
  }

  /** @param from the address of whoever wants to log in @returns where the browser goes, and what it keeps until it is back @throws ProviderRefusedError */
  begin(from: string): Promise<{ readonly url: string; readonly flow: ProviderFlow }> {
    return this.#ask(from, async () => {
      const { randomNonce, randomPKCECodeVerifier, randomState, buildAuthorizationUrl, calculatePKCECodeChallenge } =
        await import("openid-client");
      const description = await this.#describe();
      const flow = { state: randomState(), nonce: randomNonce(), verifier: randomPKCECodeVerifier() };
      const url = buildAuthorizationUrl(description, {
        redirect_uri: this.origin + callbackPath,
        scope: this.#options.scope,
        code_challenge: await calculatePKCECodeChallenge(flow.verifier),
        code_challenge_method: "S256",
        state: flow.state,
        nonce: flow.nonce,
      });
      return { url: url.href, flow };
    });
  }

  /** @param said what the browser brings back @throws ProviderRefusedError */
  finish(said: Readonly<Record<string, string | undefined>>, flow: ProviderFlow, from: string): Promise<ProvedPerson> {
    return this.#ask(from, async () => {
      const { authorizationCodeGrant, fetchUserInfo } = await import("openid-client");
      const description = await this.#describe();
      const brought = Object.entries(said).filter((one): one is [string, string] => one[1] !== undefined);
      const back = new URL(`${this.origin}${callbackPath}?${new URLSearchParams(brought)}`);
      const tokens = await authorizationCodeGrant(description, back, {
        expectedState: flow.state,
        expectedNonce: flow.nonce,
        pkceCodeVerifier: flow.verifier,
        idTokenExpected: true,
      });
      const proved = tokens.claims();
      if (!proved?.sub || proved.sub.length > maxSubject)
        throw new Error("the ID token names nobody, or at too great length");
      // Many providers tell groups and names here alone. What is signed goes first.
      const told = description.serverMetadata().userinfo_endpoint
        ? await fetchUserInfo(description, tokens.access_token, proved.sub)
        : {};
      const claims = claimsOf(proved, told);
      return {
        identity: `${proved.iss} ${proved.sub}`,
        name: personNameIn(claims, this.#options.nameClaim),
        rule: ruleFor(this.#options.rules, claims),
      };
    });
  }

  async #ask<T>(from: string, act: () => Promise<T>): Promise<T> {
    const network = networkOf(from);
    const own = this.#calls.filter((one) => one === network).length;
    if (own >= maxCallsOfNetwork || this.#calls.length >= maxProviderCalls) throw new ProviderRefusedError("busy");
    this.#calls.push(network);
    try {
      return await act();
    } catch (cause) {
      const why = whyOf(cause);
      const { issuer } = this.#options;
      // Strangers can bring this about with codes that are none.
      if (why !== "denied")
        this.#seldom.say("warn", why, { err: asError(cause), issuer }, "nobody was logged in by the identity provider");
      throw new ProviderRefusedError(why, { cause });
    } finally {
      this.#calls.splice(this.#calls.indexOf(network), 1);
    }
  }

  /** What the provider is: asked once for all who wait, and again where that went wrong. */
  #describe(): Promise<Configuration> {
    const now = this.#options.clock.monotonic();
    if (this.#description && now - this.#description.at < descriptionAge) return this.#description.found;
    const found = this.#discover();
    const described = { found, at: now };
    this.#description = described;
    found.catch(() => {
      if (this.#description === described) this.#description = undefined;
    });
    return found;
  }

  async #discover(): Promise<Configuration> {
    const {
      allowInsecureRequests,
      ClientSecretBasic,
      clockTolerance,
      customFetch,
      discovery,
      enableNonRepudiationChecks,
      None,
    } = await import("openid-client");
    const { issuer, clientId, clientSecret, patience = providerPatience } = this.#options;
    const url = new URL(issuer);
    const isPlain = url.protocol === "http:" && isLoopbackHost(url.hostname);
    return discovery(
      url,
      clientId,
      { [clockTolerance]: providerSkew / 1_000 },
      clientSecret === undefined ? None() : ClientSecretBasic(clientSecret),
      {
        [customFetch]: (to: string, options: RequestInit) => boundedFetch(to, options),
        timeout: patience / 1_000,
        // The signature is checked as well, though the token comes over a connection of our own.
        execute: [enableNonRepudiationChecks, ...(isPlain ? [allowInsecureRequests] : [])],
      },
    );
  }
}

/** What went wrong, by the names and codes of openid-client. */
function whyOf(thrown: unknown): ProviderRefusal {
  const all: Error[] = [];
  for (let one = thrown; one instanceof Error && all.length < 10; one = one.cause) all.push(one);
  const names = all.flatMap((one) => [one.name, "code" in one ? String(one.code) : ""]);
  if (names.includes("AuthorizationResponseError")) return "denied";
  if (names.includes("ResponseBodyError")) return "stale";
  if (names.includes("OAUTH_JWT_TIMESTAMP_CHECK_FAILED")) return "clock";
  const isAway = names.some((name) => /^(TimeoutError|AbortError|OAUTH_TIMEOUT|E[A-Z]{4,}|UND_ERR_\w+)$/.test(name));
  return isAway ||
    all.some(({ message }) => /^fetch failed|answers with more than|unexpected HTTP response/.test(message))
    ? "away"
    : "invalid";
}
