import * as z from "zod/mini";
import { addresses, type RouteAddress, type RouteName } from "#api/addresses";
import { presenceDocument } from "#api/device-routes";
import { problemDocument } from "#api/problem-document";
import { problemsOf, type Route } from "#api/route";
import { routes } from "#api/routes";
import { version } from "#shared/version";
import { askerOf } from "./auth.ts";
import { served } from "./serve.ts";
import type { Steps, Turns } from "./turns.ts";
import type { ZodRoutes } from "./zod-routes.ts";

/** As much of JSON's schemas as is looked at here. */
interface Described {
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Described>>;
  readonly required?: readonly string[];
  readonly description?: string;
}

const head = {
  openapi: "3.0.3",
  info: { title: "Muster", version, description: "The console's HTTP API. Times are milliseconds." },
};
const securitySchemes = {
  basic: { type: "http", scheme: "basic" },
  bearer: { type: "http", scheme: "bearer" },
  session: { type: "apiKey", in: "cookie", name: "muster_session" },
};
const security = [{ basic: [] }, { bearer: [] }, { session: [] }];

/** Made when somebody asks for the first time, and once in a process: it is of the contract alone. */
let description: Promise<string> | undefined;

/** Serves the description of every route. */
export const serveOpenApi =
  (turns: Turns): ZodRoutes =>
  async (app) => {
    app.route({
      ...served("getOpenApi"),
      // Written out already, like what `sendInTurns` sends.
      handler: async (request, reply) => {
        description ??= turns.run(askerOf(request).name, describeApi());
        // Who found too many waiting has made nothing for those who come after.
        description.catch(() => (description = undefined));
        reply.type("application/json; charset=utf-8");
        return (await description) as never;
      },
    });
  };

/** The whole contract as OpenAPI, a route in each step. */
export function* describeApi(): Steps<string> {
  const schemas: Record<string, unknown> = {};
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [name, { method, path }] of Object.entries(addresses) as [RouteName, RouteAddress][]) {
    const methods = (paths[path.replaceAll(/:(\w+)/g, "{$1}")] ??= {});
    methods[method.toLowerCase()] = operation(routes[name], addresses[name], schemas);
    yield;
  }
  // What events tell, and no answer has by itself.
  inJson(presenceDocument, "output", schemas);
  return JSON.stringify({ ...head, components: { securitySchemes, schemas }, paths, security });
}

function operation(route: Route, { text }: RouteAddress, schemas: Record<string, unknown>) {
  const { summary, params, query, body, answers } = route;
  const describe = (schema: z.core.$ZodType, io: "input" | "output"): Described => inJson(schema, io, schemas);
  const parameters = [
    ...(query ? parametersOf("query", describe(query, "input")) : []),
    ...(params ? parametersOf("path", describe(params, "input")) : []),
  ];
  const told = (type: string, schema: z.core.$ZodType): object => ({
    description: "Default Response",
    content: { [type]: { schema: describe(schema, "output") } },
  });
  const requestBody = body && {
    required: true,
    content: { "application/json": { schema: describe(body, "input") } },
  };
  return {
    summary,
    ...(requestBody && { requestBody }),
    ...(parameters.length > 0 && { parameters }),
    responses: {
      ...Object.fromEntries(
        problemsOf(route).map((status) => [status, told("application/problem+json", problemDocument)]),
      ),
      ...Object.fromEntries(
        Object.entries(answers).map(([status, schema]) => [status, told(text ?? "application/json", schema)]),
      ),
    },
  };
}

function parametersOf(place: "query" | "path", { properties = {}, required = [] }: Described): object[] {
  return Object.entries(properties).map(([name, { description: about, ...schema }]) => ({
    schema,
    in: place,
    name,
    required: place === "path" || required.includes(name),
    ...(about === undefined ? {} : { description: about }),
  }));
}

/** @param schemas takes those that have a name, to which the others refer */
function inJson(schema: z.core.$ZodType, io: "input" | "output", schemas: Record<string, unknown>): Described {
  const id = z.globalRegistry.get(schema)?.id;
  if (id !== undefined && id in schemas) return { $ref: `#/components/schemas/${id}` };
  const made = z.toJSONSchema(schema, { target: "openapi-3.0", io, unrepresentable: "any", override }) as object;
  const text = JSON.stringify(made).replaceAll('"#/definitions/', '"#/components/schemas/');
  const { definitions = {}, ...own } = JSON.parse(text) as Described & { definitions?: Record<string, unknown> };
  for (const [name, named] of Object.entries(definitions)) schemas[name] ??= named;
  return own;
}

/** What OpenAPI 3.0 has no word for. */
function override({ jsonSchema }: { jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  for (const key of ["id", "propertyNames", "contentEncoding", "contentMediaType"]) delete jsonSchema[key];
  const some = jsonSchema.anyOf?.filter((one) => Object.keys(one).length > 0);
  if (!some) return;
  jsonSchema.anyOf = some.filter(({ enum: values }) => values?.[0] !== null);
  if (jsonSchema.anyOf.length < some.length) jsonSchema["nullable"] = true;
}
