import type { FastifyRequest, preHandlerAsyncHookHandler, preParsingHookHandler } from "fastify";
import { addresses, type RouteAddress, type RouteName } from "#api/addresses";
import { problemDocument } from "#api/problem-document";
import { devicePart, problemsOf, type Route } from "#api/route";
import { routes, type Routes } from "#api/routes";
import { allow, assertWithinReach } from "./auth.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** The contract's name of the route. */
    route?: RouteName;
  }
}

/** A route of the contract in Fastify's words. */
interface Served<R extends Route> {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly url: string;
  readonly schema: {
    readonly [
      K in keyof R as K extends "query"
        ? "querystring"
        : K extends "answers"
          ? "response"
          : K extends "summary" | "params" | "body"
            ? K
            : never
    ]: R[K];
  };
  readonly preParsing: preParsingHookHandler[];
  readonly preHandler: preHandlerAsyncHookHandler[];
  /** By which hooks know it. */
  readonly config: { readonly route: RouteName };
}

const no = { content: { "application/problem+json": { schema: problemDocument } } };

/** What the contract says of a route: where it is, whom it lets in, by which schemas what comes and goes is checked. */
export function served<N extends RouteName>(name: N): Served<Routes[N]> {
  const { summary, role, fleet, person, params, query, body, answers, ...rest }: Route = routes[name];
  const { method, path: url, text }: RouteAddress = addresses[name];
  const device = devicePart(url);
  const problems = problemsOf({ role, params, query, body, ...rest });
  return {
    method,
    url,
    schema: {
      summary,
      ...(text ? { produces: [text] } : {}),
      ...(params ? { params } : {}),
      ...(query ? { querystring: query } : {}),
      ...(body ? { body } : {}),
      response: { ...Object.fromEntries(problems.map((status) => [status, no])), ...answers },
    },
    preParsing: role ? [allow(role, { fleet, person })] : [],
    preHandler: device === undefined ? [] : [async (request: FastifyRequest) => withinReach(request, device)],
    config: { route: name },
  } as unknown as Served<Routes[N]>;
}

function withinReach(request: FastifyRequest, part: string): void {
  assertWithinReach(request, (request.params as Readonly<Record<string, string>>)[part] ?? "");
}
