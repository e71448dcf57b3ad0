import * as assert from "uvu/assert";
import * as z from "zod/mini";
import { addresses, type RouteAddress, type RouteName } from "#api/addresses";
import { ApiError, createClient, type Client } from "#api/client";
import { eventDocuments, type ConsoleEvent } from "#api/event-routes";
import { problemDocument, type ProblemDocument } from "#api/problem-document";
import { problemsOf, type Route } from "#api/route";
import { routes } from "#api/routes";

/** A client, each of whose answers is checked against the route's schema; and of which routes there were answers that are no problems. */
export interface CheckedClient {
  readonly client: Client;
  readonly answered: ReadonlySet<RouteName>;
}

export interface CheckedOptions {
  /** The routes of which there were answers, where several clients count together. */
  readonly answered?: Set<RouteName>;
  /** Sent with each request: what a browser or a proxy adds. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** @param login none for a stranger */
export function checkedClient(
  url: string,
  login: string | undefined,
  { answered = new Set(), headers = {} }: CheckedOptions = {},
): CheckedClient {
  const client = createClient({
    url,
    ...(login === undefined ? {} : { login }),
    fetch: async (asked, init) => {
      const response = await fetch(asked, { ...init, headers: { ...(init?.headers as object), ...headers } });
      const name = routeOf(init?.method ?? "GET", new URL(response.url).pathname);
      if (await isAnswer(name, response.clone())) answered.add(name);
      return response;
    },
  });
  return { client, answered };
}

function routeOf(method: string, path: string): RouteName {
  const found = Object.entries<RouteAddress>(addresses).find(
    ([, one]) => one.method === method && new RegExp(`^${one.path.replace(/:\w+/g, "[^/]+")}$`).test(path),
  );
  assert.ok(found, `${method} ${path} is no route of the contract`);
  return found[0] as RouteName;
}

/** @throws Error for a status that the route does not tell of, or an answer that does not fit its schema */
async function isAnswer(name: RouteName, response: Response): Promise<boolean> {
  const route: Route = routes[name];
  const { status, headers } = response;
  const type = headers.get("content-type") ?? "";
  const schema = route.answers[status];
  if (schema && !type.includes("problem")) {
    const { text }: RouteAddress = addresses[name];
    if (text) assert.ok(type.startsWith(text), `${name}: ${type}`);
    else assertFits(schema, status === 204 || status === 303 ? null : await response.json(), name);
    return true;
  }
  assert.ok(problemsOf(route).includes(status), `${name} answered ${status}, which the contract does not tell of`);
  assert.is(type, "application/problem+json");
  assertFits(problemDocument, await response.json(), `${name} ${status}`);
  return false;
}

export function assertEventFits({ event, data }: ConsoleEvent): void {
  assert.ok(event in eventDocuments, `an event ${event} that the contract does not tell of`);
  assertFits(eventDocuments[event], data, event);
}

/** Fits as it is: a schema leaves out what it does not know, and nothing may leave the console that the contract does not tell of. */
function assertFits(schema: z.core.$ZodType, document: unknown, what: string): void {
  const read = z.safeParse(schema, document);
  assert.ok(read.success, `${what}: ${read.error ? z.prettifyError(read.error) : ""}`);
  assert.equal(read.data, document, `${what} tells more than its schema`);
}

/** Awaits a no: with this status, and a sentence that fits. @returns the problem, with what else it tells */
export async function assertRefused(
  answer: Promise<unknown>,
  status: number,
  detail: RegExp,
): Promise<ProblemDocument> {
  const error: unknown = await answer.then(
    (document) => assert.unreachable(`expected ${status}, got ${JSON.stringify(document)}`),
    (thrown: unknown) => thrown,
  );
  assert.instance(error, ApiError, String(error));
  const { problem, ...no } = error as ApiError;
  assert.is(no.status, status, problem?.detail);
  assert.ok(problem);
  assert.match(problem.detail, detail);
  return problem;
}

/** The status with which a route says no to whoever asks so. */
export async function statusOf(answer: Promise<unknown>): Promise<number> {
  try {
    await answer;
    return 200;
  } catch (error) {
    if (error instanceof ApiError) return error.status;
    throw error;
  }
}
