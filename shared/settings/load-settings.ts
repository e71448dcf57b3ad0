import { asError, EnvironmentError, SettingsError } from "#shared/errors";
import { isLoopback } from "#shared/loopback";
import { quoted } from "#shared/printable";
import { secretInFile } from "#shared/secret-input";
import { flagOf, kebab, secretNames, settingNames, settingOf, type SettingName, type Settings } from "#shared/settings";
import { defaultFile, readSettingsFile } from "#shared/settings-file";

export interface SettingSources {
  /** Flags by camel-case name, as given on the command line. */
  readonly flags?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Path of the file; the default one may be missing, a named one may not. */
  readonly file?: string | undefined;
}

/** The settings that were given at all, each also as the text that it was given by, and by what: a flag, a variable, a key of the file. */
export interface GivenSettings extends ReadonlySet<SettingName> {
  readonly texts: ReadonlyMap<SettingName, string>;
  readonly sources: ReadonlyMap<SettingName, string>;
}

class Given extends Set<SettingName> implements GivenSettings {
  readonly texts = new Map<SettingName, string>();
  readonly sources = new Map<SettingName, string>();
}

/** @throws EnvironmentError where the present directory was deleted: every relative path would fail in words of its own, or never end */
function assertHere(): void {
  try {
    process.cwd();
  } catch {
    throw new EnvironmentError("the present directory is gone: change into one that is there");
  }
}

/** @returns each setting's value, and which of them were given at all @throws SettingsError with a sentence for every mistake */
export function loadSettings({ flags = {}, env = {}, file }: SettingSources): {
  values: Settings;
  given: GivenSettings;
} {
  assertHere();
  const problems: string[] = [];
  const given = new Given();
  const fromFile = readFile(file, problems);
  const values: Record<string, unknown> = {};
  /** What the file of the present directory has decided. */
  const found = new Set<SettingName>();
  for (const name of settingNames) {
    const one = settingOf(name);
    const sources: [string, unknown][] = [
      [flagOf(name), flags[name]],
      [one.env, env[one.env] || undefined],
      [`${one.env}_FILE`, one.secret ? inFile(env[`${one.env}_FILE`], problems) : undefined],
      [`${kebab(name)} in ${file ?? defaultFile}`, fromFile[kebab(name)]],
    ];
    const source = sources.find(([, value]) => value !== undefined);
    values[name] = one.default;
    if (!source) continue;
    given.add(name);
    if (source === sources.at(-1) && file === undefined) found.add(name);
    const text = String(source[1]);
    given.texts.set(name, text);
    given.sources.set(name, source[0]);
    try {
      values[name] = one.parse(text);
    } catch (error) {
      problems.push(
        `${source[0]} is ${holdsSecret(name, text) ? "not usable" : quoted(text)}: ${asError(error).message}`,
      );
    }
  }
  if (problems.length === 0) problems.push(...misdirected(values as unknown as Settings, found));
  if (problems.length > 0) throw new SettingsError(problems);
  return { values: values as unknown as Settings, given };
}

function readFile(file: string | undefined, problems: string[]): Record<string, unknown> {
  try {
    const table = readSettingsFile(file);
    const known = new Set(settingNames.map(kebab));
    for (const key of Object.keys(table)) {
      if (!known.has(key))
        problems.push(`${file ?? defaultFile} has an unknown key ${quoted(key)}: expected ${[...known].join(", ")}`);
    }
    return table;
  } catch (error) {
    problems.push(`${file ?? defaultFile} cannot be read: ${asError(error).message}`);
    return {};
  }
}

/**
 * Where the file of the present directory would send a secret that it does not hold itself. A directory that somebody was led
 * into shall not say who gets the administrator's token.
 */
function misdirected({ url, token, mqttUrl }: Settings, found: ReadonlySet<SettingName>): string[] {
  const sentences: string[] = [];
  const meant = `name the file (--config ${defaultFile}) if you mean it`;
  if (found.has("url") && url !== undefined && token !== undefined) {
    if (!found.has("token"))
      sentences.push(
        `url in ${defaultFile} would get a token that comes from elsewhere: set MUSTER_URL beside MUSTER_TOKEN, or ${meant}`,
      );
    else if (url.startsWith("http:") && !isLoopback(url))
      sentences.push(
        `url in ${defaultFile} would get the token unencrypted over a network: expected https://, or ${meant}`,
      );
  }
  if (found.has("mqttUrl") && mqttUrl !== undefined && new URL(mqttUrl).password === "" && !isLoopback(mqttUrl))
    sentences.push(
      `mqtt-url in ${defaultFile} names another machine and no login, and would get the secrets of the data directory: set MUSTER_MQTT_URL, or ${meant}`,
    );
  return sentences;
}

/** Whether a value may hold a password, and is not to be repeated in a message. */
export function holdsSecret(name: SettingName, value: string): boolean {
  // A login in an URL that takes none.
  return settingOf(name).secret === true || value.includes("@");
}

/** Secrets among the flags of a command line, where every user of the machine can read them. */
export function exposedFlags(flags: Readonly<Record<string, unknown>>): SettingName[] {
  const bare = /^\w+:\/\/[^@]*$/;
  return secretNames.filter((name) => {
    const value = flags[name];
    return typeof value === "string" && !bare.test(value);
  });
}

function inFile(path: string | undefined, problems: string[]): string | undefined {
  if (!path) return undefined;
  try {
    return secretInFile(path);
  } catch (error) {
    problems.push(asError(error).message);
    return undefined;
  }
}
