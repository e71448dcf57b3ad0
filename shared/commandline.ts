import { Command as Program } from "commander";
import { systemClock } from "#shared/clock";
import { errorCode } from "#shared/errors";
import type { Lifetime } from "#shared/lifetime";
import { createLog } from "#shared/log";
import { SafetyNet } from "#shared/safety-net";
import { exposed } from "#shared/secret-input";
import { fail, serve } from "#shared/service";
import { flagOf, helpOf, settingOf, settings, settingsOf, type Settings } from "#shared/settings";
import type { Program as SettingsProgram } from "#shared/settings/kinds";
import { exposedFlags, loadSettings, type GivenSettings } from "#shared/settings/load-settings";
import { keepFilesPrivate } from "#shared/umask";

/**
 * Starts parts and pushes how to stop each onto `lifetime`. `given` names the settings that are not defaults; `net` catches what
 * the parts throw into the event loop.
 */
export type Service = (values: Settings, given: GivenSettings, lifetime: Lifetime, net: SafetyNet) => Promise<void>;
/** Does one thing and ends; its own arguments and options come after the settings. */
export type Errand<A extends unknown[]> = (values: Settings, ...parameters: A) => Promise<void>;

/** A command line whose commands share one table of settings: flags, variables and `muster.toml` alike. */
export class CommandLine {
  readonly #program: Program;

  constructor(name: string, description: string, version: string) {
    this.#program = new Program(name)
      .description(description)
      .version(version)
      .option("--config <file>", "settings file (default: ./muster.toml, where there is one)")
      .addHelpText(
        "after",
        "\nEach setting may also be given as a MUSTER_* variable or in muster.toml; flags come first.",
      )
      .showHelpAfterError("(--help tells more)");
  }

  /** The commands that are defined from here on stand together in `--help`, under this heading. */
  group(heading: string): void {
    this.#program.commandsGroup(heading);
  }

  /** A command that takes the settings of `program` as flags; give it an action with {@link serve} or {@link once}. */
  command(name: string, help: string, program: SettingsProgram | "start"): Program {
    const sub = this.#program.command(name).description(help).showHelpAfterError("(--help tells more)");
    for (const one of settingsOf(program))
      sub.option(settingOf(one).bare ? `${flagOf(one)} [value]` : `${flagOf(one)} <value>`, helpOf(one));
    return sub;
  }

  /** An action that runs until SIGINT or SIGTERM, then stops what it started in reverse. */
  serve(begin: Service) {
    return async (...parameters: unknown[]): Promise<void> => {
      const { values, given } = this.#settings(parameters);
      const net = new SafetyNet(createLog("muster", values.logLevel), systemClock);
      await serve((lifetime) => begin(values, given, lifetime, net), net);
    };
  }

  /** An action that does one thing. */
  once<A extends unknown[]>(act: Errand<A>) {
    return async (...parameters: unknown[]): Promise<void> => {
      await act(this.#settings(parameters).values, ...(parameters.slice(0, -1) as A));
    };
  }

  /** Reads the process's arguments and carries them out; what goes wrong is told in sentences, with exit status 1, or 2 for wrong settings. */
  async run(): Promise<void> {
    keepFilesPrivate();
    // `muster watch | head`: nobody reads on, which is no failure.
    process.stdout.on("error", (error) => process.exit(errorCode(error) === "EPIPE" ? 0 : 1));
    await this.#program.parseAsync().catch(fail);
  }

  /** Commander gives an action its own program last. */
  #settings(parameters: readonly unknown[]): ReturnType<typeof loadSettings> {
    const sub = parameters.at(-1) as Program;
    for (const name of exposedFlags(sub.opts()))
      process.stderr.write(exposed(flagOf(name), `set ${settings[name].env}, or ${settings[name].env}_FILE to a file`));
    return loadSettings({
      flags: sub.opts(),
      env: process.env,
      file: this.#program.opts<{ config?: string }>().config,
    });
  }
}
