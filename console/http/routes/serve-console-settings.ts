import type { ZodRoutes } from "../zod-routes.ts";
import type { ConsoleSettingDocument } from "#api/console-settings-routes";
import { BadInputError } from "#shared/errors";
import { defaultOf, kebab, rangeOf, settingOf, settingsOf, type SettingName } from "#shared/settings";
import { isChangeable, whyAtStart } from "#shared/settings/changeable";
import { holdsSecret } from "#shared/settings/load-settings";
import type { RunningSettings } from "../../settings/running-settings.ts";
import { changing } from "../audited-routes.ts";
import { askerOf } from "../auth.ts";
import { HttpError } from "../problem.ts";
import { served } from "../serve.ts";

/** What the routes of the console's own settings serve. */
export interface ConsoleSettingsRoutes {
  /** Undefined where a program has composed the console that keeps no settings. */
  readonly settings: Pick<RunningSettings, "kept" | "given" | "set" | "reset"> | undefined;
  readonly now: () => number;
}

const names = [...new Set([...settingsOf("console"), ...settingsOf("broker")])];

/** The console's own settings: read, and some of them changed while it runs. */
export const serveConsoleSettings =
  ({ settings, now }: ConsoleSettingsRoutes): ZodRoutes =>
  async (app) => {
    app.route({
      ...served("listConsoleSettings"),
      handler: async () => ({ settings: settings ? names.map((name) => toDocument(settings, name)) : [] }),
    });

    app.route({
      ...served("setConsoleSetting"),
      handler: async (request) => {
        const { name, its } = asked(settings, request.params.name);
        if (!isChangeable(name))
          throw new HttpError(409, `${kebab(name)} does not change while Muster runs: ${whyAtStart(name)}`);
        const { value: text } = request.body;
        try {
          const word = { name, text, by: askerOf(request).name, ts: Math.round(now()) };
          changing(request, () => its.set(word))();
        } catch (thrown) {
          if (thrown instanceof BadInputError) throw new HttpError(400, thrown.message);
          throw thrown;
        }
        return toDocument(its, name);
      },
    });

    app.route({
      ...served("resetConsoleSetting"),
      handler: async (request) => {
        const { name, its } = asked(settings, request.params.name);
        if (its.kept(name)) changing(request, () => its.reset(name))();
        return toDocument(its, name);
      },
    });
  };

/** What counts with the embedded store alone. */
const ofEmbeddedStore: ReadonlySet<SettingName> = new Set([
  "historyAge",
  "historyMinutes",
  "historyQuarters",
  "historySize",
]);

type Its = NonNullable<ConsoleSettingsRoutes["settings"]>;

/** @param text in kebab case, as it is told @throws HttpError 404 */
function asked(settings: Its | undefined, text: string): { readonly name: SettingName; readonly its: Its } {
  const name = names.find((one) => kebab(one) === text || settingOf(one).env === text);
  if (name === undefined || !settings)
    throw new HttpError(404, `the console has no setting "${text}": GET /api/settings lists them`);
  return { name, its: settings };
}

function toDocument(settings: Its, name: SettingName): ConsoleSettingDocument {
  const { env, help, secret } = settingOf(name);
  const kept = settings.kept(name);
  const given = settings.given(name);
  const below = given ? given.text : defaultOf(name);
  const text = kept?.text ?? below;
  const hidden = secret === true ? given !== undefined : holdsSecret(name, text);
  const range = rangeOf(name);
  return {
    name: kebab(name),
    env,
    help,
    value: hidden ? null : text,
    default: defaultOf(name),
    source: kept ? "console" : (given?.source ?? "default"),
    changeable: isChangeable(name),
    ...(isChangeable(name) ? {} : { why: whyAtStart(name) }),
    ...(ofEmbeddedStore.has(name) && settings.given("influxUrl")?.text
      ? { idle: "it has no effect with InfluxDB: it is of Muster's own store" }
      : {}),
    ...(range === undefined ? {} : { range }),
    ...(kept ? { set: { by: kept.by, ts: kept.ts, over: below } } : {}),
  };
}
