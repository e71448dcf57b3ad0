import * as z from "zod/mini";
import { asError, BadInputError } from "#shared/errors";
import type { Log } from "#shared/log";
import { quoted } from "#shared/printable";
import { kebab, settingOf, type Settings } from "#shared/settings";
import { changeableNames, isChangeable, type ChangeableName } from "#shared/settings/changeable";
import { damageOf } from "../database/damage.ts";
import type { Database } from "../database/database.ts";
import { instant, parserOf } from "../database/row-fields.ts";

/** What a person has set while Muster runs: over flag, variable, file and default, until it is reset. */
export interface KeptSetting {
  readonly name: string;
  readonly text: string;
  readonly by: string;
  /** Epoch ms. */
  readonly ts: number;
}

export const parseKeptSetting = parserOf(z.object({ name: z.string(), text: z.string(), by: z.string(), ts: instant }));

/** Characters of a value: more than any of those that can be changed has. */
export const maxSettingLength = 200;

export interface RunningSettingsOptions {
  readonly database: Database;
  /** By flags, variables, file and defaults. */
  readonly values: Settings;
  /** Where the others come from, and by which text, as it is told. */
  readonly given: {
    readonly sources: ReadonlyMap<string, string>;
    readonly texts: ReadonlyMap<string, string>;
  };
  readonly log: Log;
  /** Hears of each that has changed: for owners that do not ask {@link RunningSettings.value} each time. */
  readonly changed?: (name: ChangeableName) => void;
}

/**
 * Settings that change while the console runs. What a person has set is kept in the database and counts over everything else, also at the next
 * start. Their owners ask for the value whenever they need it.
 */
export class RunningSettings {
  readonly #options: RunningSettingsOptions;
  readonly #kept = new Map<ChangeableName, KeptSetting & { readonly value: unknown }>();

  constructor(options: RunningSettingsOptions) {
    this.#options = options;
  }

  /** Reads what is kept. What a version before has kept, and this one does not take, is left alone and told. */
  start(): void {
    const { database, log } = this.#options;
    const select = database.prepare("SELECT * FROM console_settings");
    for (const row of damageOf(database).all("console_settings", select, parseKeptSetting)) {
      const name = changeableNames.find((one) => one === row.name);
      if (name === undefined) continue;
      try {
        this.#kept.set(name, { ...row, value: parsed(name, row.text) });
        this.#options.changed?.(name);
      } catch (thrown) {
        log.warn({ setting: name }, `what was set while Muster ran does not count: ${asError(thrown).message}`);
      }
    }
  }

  /** What counts at the moment. */
  value<N extends ChangeableName>(name: N): Settings[N] {
    const kept = this.#kept.get(name);
    return kept ? (kept.value as Settings[N]) : this.#options.values[name];
  }

  /** What was set while Muster ran; undefined where nothing was. */
  kept(name: string): KeptSetting | undefined {
    return this.#kept.get(name as ChangeableName);
  }

  /** Where a value comes from that nobody has set while Muster ran, and its text; undefined for a default. */
  given(name: string): { readonly source: string; readonly text: string } | undefined {
    const { sources, texts } = this.#options.given;
    const source = sources.get(name);
    return source === undefined ? undefined : { source, text: texts.get(name) ?? "" };
  }

  /**
   * Sets one, within a transaction of the caller.
   * @returns to be called when that is through
   * @throws BadInputError where the value does not fit, with what would
   */
  set({ name, text, by, ts }: KeptSetting): () => void {
    if (!isChangeableName(name)) throw new BadInputError(`${name} does not change while Muster runs`);
    const value = parsed(name, text);
    this.#options.database
      .prepare("INSERT OR REPLACE INTO console_settings (name, text, by, ts) VALUES (?, ?, ?, ?)")
      .run(name, text, by, ts);
    return () => {
      this.#kept.set(name, { name, text, by, ts, value });
      this.#options.changed?.(name);
    };
  }

  /** Forgets what was set, within a transaction of the caller. @returns to be called when that is through */
  reset(name: string): () => void {
    this.#options.database.prepare("DELETE FROM console_settings WHERE name = ?").run(name);
    return () => {
      if (isChangeableName(name) && this.#kept.delete(name)) this.#options.changed?.(name);
    };
  }
}

function isChangeableName(name: string): name is ChangeableName {
  return changeableNames.some((one) => one === name) && isChangeable(name as ChangeableName);
}

/** @throws BadInputError with what would have fit */
function parsed(name: ChangeableName, text: string): unknown {
  if (text.length > maxSettingLength)
    throw new BadInputError(`${kebab(name)} has ${text.length} characters: expected ${maxSettingLength} at most`);
  try {
    return settingOf(name).parse(text);
  } catch (thrown) {
    throw new BadInputError(`${kebab(name)} is ${quoted(text)}: ${asError(thrown).message}`, { cause: thrown });
  }
}
