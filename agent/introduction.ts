import { arch, hostname, platform, release } from "node:os";
import type { Descriptions } from "#shared/messages/descriptions";
import type { Json } from "#shared/messages/payload-schema";
import type { Birth } from "#shared/messages/presence-messages";
import { version } from "#shared/version";
import { ownAddresses } from "./own-addresses.ts";
import type { KeptCertificates } from "./certificate/kept-certificates.ts";
import type { Configuring } from "./configuration/configuring.ts";
import type { Handler } from "./commands/handler.ts";
import type { Ledger } from "./commands/ledger.ts";
import { lossSentence } from "./commands/ledger-records.ts";
import type { Instance } from "./instance.ts";
import type { Sampler } from "./metrics/sampler.ts";
import type { DailyBudget } from "./metrics/daily-budget.ts";
import type { LeftOutFields } from "./metrics/left-out.ts";
import { offersOf } from "./presence.ts";
import type { Signers } from "./signers.ts";
import type { TrustedAuthorities } from "./trusted-authorities.ts";

export interface IntroductionOptions {
  readonly instance: Pick<Instance, "id" | "problem">;
  readonly ledger: Pick<Ledger, "doubt" | "lossNoticed">;
  readonly aside: Pick<LeftOutFields, "problem">;
  readonly budget?: Pick<DailyBudget, "problem"> | undefined;
  readonly sampler: Pick<Sampler, "interval" | "paused" | "collectors">;
  /** What is said of measurements that are not the agent's own. */
  readonly described: () => Descriptions;
  readonly signers: Pick<Signers, "required" | "ids" | "problem">;
  readonly certificates?: Pick<KeptCertificates, "serial"> | undefined;
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly build?: string | undefined;
  /** Why it offers no `update`, where it does not. */
  readonly noUpdate?: string | undefined;
  readonly authorities: Pick<TrustedAuthorities, "fingerprints">;
  readonly configuring?: Pick<Configuring, "reported"> | undefined;
}

/** What the agent says of itself in its birth, as it is at that moment. */
export class Introduction {
  readonly #options: IntroductionOptions;
  /** The newest moment of the console's (epoch ms) that was heard before the present console and connection came. */
  heard: number | undefined;
  #facts: Record<string, Json> = { os: platform(), arch: arch(), hostname: hostname(), kernel: release() };

  constructor(options: IntroductionOptions) {
    this.#options = options;
  }

  /** What is known of the machine, without what changes. */
  get facts(): Readonly<Record<string, Json>> {
    return this.#facts;
  }

  learn(facts: Readonly<Record<string, Json>>): void {
    this.#facts = { ...this.#facts, ...facts };
  }

  self(): Omit<Birth, "v" | "online" | "boot" | "session" | "ts"> {
    const { instance, sampler, described, handlers, signers, authorities, certificates, build, configuring } =
      this.#options;
    const measurements = described();
    const noUpdate = handlers.has("update") ? undefined : this.#options.noUpdate;
    const { heard } = this;
    const trusts = [...authorities.fingerprints];
    const certificate = certificates?.serial;
    return {
      instance: instance.id,
      agent: version,
      ...(build === undefined ? {} : { build }),
      ...(noUpdate === undefined ? {} : { noUpdate }),
      interval: sampler.interval,
      paused: sampler.paused,
      collectors: sampler.collectors,
      ...(Object.keys(measurements).length === 0 ? {} : { measurements }),
      commands: offersOf(handlers),
      facts: this.#whereabouts(),
      ...(signers.required ? { signers: [...signers.ids] } : {}),
      ...this.#problems(),
      ...(heard === undefined ? {} : { heard }),
      ...(trusts.length === 0 ? {} : { trusts }),
      ...(certificate === undefined ? {} : { certificate }),
      ...configuring?.reported,
    };
  }

  /** As they are at the moment: a machine's addresses change. */
  #whereabouts(): Record<string, Json> {
    const address = ownAddresses();
    return address === undefined ? this.#facts : { ...this.#facts, address };
  }

  /** What a person should look at. */
  #problems(): { problem?: string } {
    const { instance, ledger, aside, signers, budget } = this.#options;
    const { doubt, lossNoticed } = ledger;
    const lost = doubt && lossNoticed ? lossSentence(doubt.why) : undefined;
    const problems = [instance.problem, lost, aside.problem, signers.problem, budget?.problem].filter(
      (one) => one !== undefined,
    );
    return problems.length > 0 ? { problem: problems.join("; ") } : {};
  }
}
