import swagger from "@fastify/swagger";
import type { FastifyInstance } from "fastify";
import { jsonSchemaTransform, jsonSchemaTransformObject, type FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { version } from "#shared/version";
import { served } from "./serve.ts";

/** Serves the description of every route that is registered from now on. */
export async function describeRoutes(app: FastifyInstance): Promise<void> {
  await app.register(swagger, { openapi, transform: jsonSchemaTransform, transformObject: describeDocuments });
  await app.register(openApiRoute);
}

/** By the routes that it is of, which are all that it depends on. */
const descriptions = new Map<string, string>();

const openApiRoute: FastifyPluginAsyncZod = async (app) => {
  // Made once in a process, before anybody can ask: it takes longer than the event loop may be held for one request.
  let description = "";
  app.addHook("onReady", async () => {
    const routes = app.printRoutes({ commonPrefix: false });
    description = descriptions.get(routes) ?? JSON.stringify(app.swagger());
    descriptions.set(routes, description);
  });
  app.route({
    ...served("getOpenApi"),
    // Written out already, like what `sendInTurns` sends.
    handler: async (_, reply) => {
      reply.type("application/json; charset=utf-8");
      return description as never;
    },
  });
};

/** Each named document once. The library has each a second time, as it would be sent, and nobody sends them. */
const describeDocuments: typeof jsonSchemaTransformObject = (described) => {
  const document = jsonSchemaTransformObject(described);
  const schemas = "components" in document ? (document.components?.schemas ?? {}) : {};
  for (const name of Object.keys(schemas)) if (`${name}Input` in schemas) delete schemas[`${name}Input`];
  return document;
};

const openapi = {
  info: { title: "Muster", version, description: "The console's HTTP API. Times are milliseconds." },
  components: {
    securitySchemes: {
      basic: { type: "http" as const, scheme: "basic" },
      bearer: { type: "http" as const, scheme: "bearer" },
      session: { type: "apiKey" as const, in: "cookie" as const, name: "muster_session" },
    },
  },
  security: [{ basic: [] }, { bearer: [] }, { session: [] }],
};
