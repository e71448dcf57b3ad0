import type { Clock } from "#shared/clock";
import { configurationFaults, configurationHash, type Configuration } from "#shared/configuration";
import { asError } from "#shared/errors";
import type { Log } from "#shared/log";
import type { Birth } from "#shared/messages/presence-messages";
import type { Json } from "#shared/messages/payload-schema";
import { CommandError } from "../commands/handler.ts";
import { markOf, type KeptConfiguration } from "./kept-configuration.ts";

/** Milliseconds that settings which may cut the agent off have until the console has answered: then what was before holds again. */
export const settingsPatience = 60_000;

export interface ConfiguringOptions {
  readonly kept: KeptConfiguration;
  readonly clock: Clock;
  readonly log: Log;
  /** What of it this machine does not take: a sentence for each. */
  readonly faults: (configuration: Configuration) => readonly string[];
  /** Each setting as it holds, for people. */
  readonly told: (configuration: Configuration) => Json;
  /** Ends the present run of the agent for one with what is in force by then. @param why what the device says last */
  readonly renew: (why: string) => void;
  /** Milliseconds of a trial. */
  readonly patience?: number | undefined;
}

/**
 * Brings settings from the console into force: all of them or none. They are checked before anything is kept, kept before anything is
 * changed, and hold with the next run of the agent, which begins at once in the same process. Those that may cut the agent off hold once
 * the console has answered a birth that was made with them.
 */
export class Configuring {
  readonly #options: ConfiguringOptions;
  #cancelTrial: (() => void) | undefined;
  #decided: (() => void)[] = [];

  constructor(options: ConfiguringOptions) {
    this.#options = options;
  }

  /** What the birth says of it. */
  get reported(): Pick<Birth, "config"> {
    const { current, failed } = this.#options.kept;
    if (!current && !failed) return {};
    const config = current ? markOf(current) : markOf({ version: 0, values: {} });
    return { config: failed ? { ...config, failed: { ...markOf(failed), why: failed.why } } : config };
  }

  get told(): Json {
    return this.#options.told(this.#options.kept.inForce);
  }

  /** By which settings preferences are judged: what was switched by command before them is over. */
  get hash(): string {
    return configurationHash(this.#options.kept.inForce);
  }

  get inForce(): Configuration {
    return this.#options.kept.inForce;
  }

  /** A run of the agent begins. @throws the system's error where a try cannot be counted */
  begin(): void {
    this.#options.kept.begin();
  }

  /** That run has begun, with all that it is made of. */
  begun(): void {
    const { kept, clock, patience = settingsPatience } = this.#options;
    if (!kept.trial) return;
    if (!kept.isRisky) return this.#confirm();
    this.#cancelTrial = clock.after(patience, () =>
      this.#rollBack(`the console did not answer within ${patience / 1_000} s`),
    );
  }

  /** That run could not begin. @returns whether another one may, with what was before */
  couldNotBegin(why: unknown): boolean {
    const { kept } = this.#options;
    if (!kept.trial) return false;
    kept.rollBack(`the agent could not begin with them: ${asError(why).message}`);
    return true;
  }

  /** The console has answered a birth of this run. @returns whether there is something else to report now */
  greeted(): boolean {
    if (!this.#options.kept.trial) return false;
    this.#confirm();
    return true;
  }

  /** The run is over; a trial goes on with the next. */
  stop(): void {
    this.#cancelTrial?.();
    this.#cancelTrial = undefined;
  }

  /**
   * Has the settings of a command hold, or says that they do: it may be asked again for the same command, by whichever run.
   * @param more faults that only the parts of the agent know
   * @returns what is reported then; in the run in which they were taken it never resolves, because that ends
   * @throws CommandError with every reason not to take them, or why they did not hold
   */
  async change(
    { version, settings }: { readonly version: number; readonly settings: Configuration },
    {
      command,
      signal,
      more,
    }: { readonly command: string; readonly signal: AbortSignal; readonly more: readonly string[] },
  ): Promise<Json> {
    const { kept, faults, renew, log } = this.#options;
    if (kept.trial?.command === command) await this.#decision(signal);
    const before = this.#found({ version, settings }, command);
    if (before !== undefined) return before;
    const hash = configurationHash(settings);
    const wrong = [...configurationFaults(settings), ...faults(settings), ...more];
    if (wrong.length > 0) throw new CommandError("bad-settings", `nothing was changed: ${wrong.join("; ")}`);
    kept.take({ version, values: settings }, command);
    log.info({ version, hash }, "other settings came from the console: the agent begins anew with them");
    renew("other settings");
    return this.#never(signal);
  }

  /** What has become of a command's settings, once that is decided; undefined where they do not hold. @throws CommandError why they no longer do */
  async found(
    told: { readonly version: number; readonly settings: Configuration },
    command: string,
  ): Promise<Json | undefined> {
    if (this.#options.kept.trial?.command === command) await this.#decision();
    return this.#found(told, command);
  }

  #found(
    { version, settings }: { readonly version: number; readonly settings: Configuration },
    command: string,
  ): Json | undefined {
    const { kept } = this.#options;
    const { failed, current, trial } = kept;
    if (failed?.command === command)
      throw new CommandError("rolled-back", `${failed.why}: what was before holds again`);
    const hash = configurationHash(settings);
    if (trial || hash !== configurationHash(current?.values ?? {})) return undefined;
    if (current && current.version !== version) kept.renumber(version);
    return { version, hash };
  }

  #confirm(): void {
    const { kept, log } = this.#options;
    try {
      kept.confirm();
    } catch (err) {
      // The disk takes nothing: it is asked again at the next start.
      return log.error(
        { err },
        "that the settings hold cannot be written down: they are tried again at the next start",
      );
    }
    this.#decide();
  }

  #rollBack(why: string): void {
    const { kept, renew, log } = this.#options;
    log.error({ why }, "the settings from the console do not hold: those of before do again");
    try {
      kept.rollBack(why);
    } catch (err) {
      log.error({ err }, "that could not be written down");
      this.begun();
      return;
    }
    this.#decide();
    renew("settings rolled back");
  }

  #decide(): void {
    this.stop();
    for (const told of this.#decided.splice(0)) told();
  }

  #decision(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#decided.push(resolve);
      signal?.addEventListener("abort", () => reject(signal.reason as Error));
    });
  }

  #never(signal: AbortSignal): Promise<never> {
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
  }
}
