import type { ZodRoutes } from "../zod-routes.ts";
import type { FastifyRequest } from "fastify";
import type { DriftDocument, ScopeDocument, SettingKeyDocument } from "#api/configuration-routes";
import { configurable, configurationFaults, helpFromAfar } from "#shared/configuration";
import type { DeviceId } from "#shared/ids";
import { defaultOf, kebab, rangeOf } from "#shared/settings";
import type { Configurations, SaidSettings } from "../../configuration/configurations.ts";
import type { Configurator } from "../../configuration/configurator.ts";
import { scopeText, type Scope } from "../../configuration/scope.ts";
import type { Device } from "../../devices/device.ts";
import type { Registry } from "../../devices/registry.ts";
import { changing, whoAsks } from "../audited-routes.ts";
import { askerOf, limitOf, noDevice } from "../auth.ts";
import { HttpError } from "../problem.ts";
import { assertMayChange, maySeeScope, scopeAsked } from "../scope-rights.ts";
import { served } from "../serve.ts";

export interface ConfigurationRoutes {
  readonly configurations: Configurations;
  readonly configurator: Pick<Configurator, "drift" | "apply">;
  readonly registry: Pick<Registry, "get" | "walk">;
  readonly now: () => number;
}

/** Devices that are named as not having what is wanted, of as many as there are. */
export const maxDrifting = 200;
/** How a device stands that nobody need look at. */
const settled: ReadonlySet<string> = new Set(["none", "in-step"]);

/** Settings of agents: said, looked up, sent. */
export const serveConfigurations =
  ({ configurations, configurator, registry, now }: ConfigurationRoutes): ZodRoutes =>
  async (app) => {
    const deviceOf = (id: DeviceId): Device => {
      const device = registry.get(id);
      if (!device) throw noDevice(id);
      return device;
    };
    const scopeIn = (request: FastifyRequest, text: string): Scope =>
      scopeAsked(request, text, "settings", (id) => void deviceOf(id));
    const document = (scope: Scope, said: SaidSettings | undefined): ScopeDocument => {
      const { version, values, by, ts } = said ?? { version: 0, values: {}, by: "", ts: 0 };
      return { scope: scopeText(scope), version, settings: { ...values }, by, ts };
    };

    app.route({
      ...served("listConfigurations"),
      handler: async (request) => {
        const scopes = configurations
          .list()
          .filter(([scope]) => maySeeScope(request, scope))
          .map((one) => document(...one));
        const reaches = limitOf(request) ?? (() => true);
        const drift: DriftDocument[] = [];
        let more = 0;
        for (const device of configurations.isEmpty ? [] : registry.walk()) {
          if (!reaches(device.id) || device.retired) continue;
          const { state, why } = configurator.drift(device);
          if (settled.has(state)) continue;
          if (drift.length < maxDrifting) drift.push({ device: device.id, state, why });
          else more += 1;
        }
        return { scopes, drift, more };
      },
    });

    app.route({ ...served("listSettingKeys"), handler: async () => ({ keys: settingKeys }) });

    app.route({
      ...served("getConfiguration"),
      handler: async (request) => {
        const scope = scopeIn(request, request.params.scope);
        return document(scope, configurations.of(scope));
      },
    });

    app.route({
      ...served("getConfigurationHistory"),
      handler: async (request) => {
        const scope = scopeIn(request, request.params.scope);
        const history = configurations.history(scope);
        return {
          history: history.map(({ version, values, by, ts }) => ({ version, settings: { ...values }, by, ts })),
        };
      },
    });

    app.route({
      ...served("setConfiguration"),
      handler: async (request) => {
        const scope = scopeIn(request, request.params.scope);
        assertMayChange(request, scope);
        const { settings, version } = request.body;
        const faults = configurationFaults(settings);
        if (faults.length > 0) throw new HttpError(400, faults.join("; "));
        const before = configurations.of(scope)?.version ?? 0;
        if (version !== undefined && version !== before)
          throw new HttpError(409, `somebody has changed them meanwhile: version ${before}, and not ${version}`);
        const said = { values: settings, by: askerOf(request).name, ts: Math.round(now()) };
        const put = changing(request, () => configurations.put(scope, said));
        put.done();
        return document(scope, put.said);
      },
    });

    app.route({
      ...served("getDeviceSettings"),
      handler: async ({ params: { id } }) => {
        const device = deviceOf(id);
        const { version, hash, values, from } = configurations.desired(id);
        return {
          device: id,
          ...configurator.drift(device),
          desired: { version, hash, settings: { ...values }, from: { ...from } },
          reported: device.config ?? null,
        };
      },
    });

    app.route({
      ...served("applySettings"),
      handler: async (request, reply) => {
        const { id } = request.params;
        deviceOf(id);
        const { who: by, from } = whoAsks(request);
        const command = configurator.apply(id, { by, from });
        reply.code(202);
        return { command: command.id };
      },
    });
  };

const settingKeys: SettingKeyDocument[] = configurable.map((name) => {
  const key = kebab(name);
  const range = rangeOf(name);
  return { key, help: helpFromAfar(name), default: defaultOf(name), ...(range === undefined ? {} : { range }) };
});
