import cookie from "@fastify/cookie";
import helmet from "@fastify/helmet";
import rateLimit from "@fastify/rate-limit";
import fastifyStatic from "@fastify/static";
import fastify, { type FastifyInstance, type FastifyReply } from "fastify";
import { systemClock, type Clock } from "#shared/clock";
import { networkOf } from "#shared/crowd";
import { EnvironmentError, errorCode } from "#shared/errors";
import type { Log } from "#shared/log";
import { LoginsBusyError } from "#shared/login-throttle";
import { OwnNames } from "#shared/origins";
import { TrustedProxies } from "#shared/trusted-proxies";
import type { Accounts } from "../accounts/accounts.ts";
import type { Console } from "../console.ts";
import type { IdentityProvider } from "../provider/identity-provider.ts";
import type { RunningSettings } from "../settings/running-settings.ts";
import { auditChanges, auditEntrances } from "./audited-routes.ts";
import { tellOfGuesses } from "./told-guesses.ts";
import { identify } from "./auth.ts";
import { refuseForeign } from "./foreign.ts";
import { readJsonBodies } from "./json-body.ts";
import { waitForLocks } from "./locked.ts";
import { sendInTurns } from "./list-pages.ts";
import { problem, problemOf, type Problem } from "./problem.ts";
import { registerRoutes } from "./hand-out.ts";
import { serveOpenApi } from "./openapi.ts";
import { Joining, type JoiningOptions } from "./joining.ts";
import { HttpConnections, httpBounds, type HttpBounds } from "./http-connections.ts";
import type { HttpTls } from "./tls-port.ts";
import { Turns } from "./turns.ts";
import { checkBySchema, writeBySchema, type ZodTypes } from "./zod-routes.ts";

export interface HttpOptions {
  readonly console: Console;
  readonly accounts: Accounts;
  readonly listen: string;
  /** 0 for a free one. */
  readonly port: number;
  /** The built page's directory; without it there is only the API. */
  readonly page?: string | undefined;
  /** What the page is reached by; loopback and addresses in numbers always are. */
  readonly names?: readonly string[];
  /** Proxies whose X-Forwarded-For, -Proto and -Host are believed; none by default. */
  readonly proxies?: TrustedProxies;
  /** What machines are told that join. */
  readonly join?: JoiningOptions;
  /** By which people may log in as well. */
  readonly provider?: IdentityProvider | undefined;
  /** The console's own, where it keeps some. */
  readonly settings?: RunningSettings | undefined;
  readonly bounds?: Partial<HttpBounds>;
  /** Without it the port speaks plain HTTP alone. */
  readonly tls?: HttpTls | undefined;
  readonly log: Log;
  readonly clock?: Clock;
}

/** Bytes of a request's body at most. */
const bodyLimit = 64 * 1024;
/** Requests a minute of one account, or without a login from one address: far above any page or script of ours, far below what would hurt. */
export const requestsPerMinute = 6_000;

/** Said in place of the router's own words, which repeat the path that it was given. */
const longPath = "a part of the path is longer than any id or name can be";
const badPath = "the path is not valid: expected percent signs and two hexadecimal digits that make UTF-8";

/** The console's HTTP side: the API, the event stream and the page. */
export class HttpServer {
  readonly #options: HttpOptions;
  #app: FastifyInstance | undefined;

  constructor(options: HttpOptions) {
    this.#options = options;
  }

  /** @returns the port it listens on @throws EnvironmentError when the port is in use or not allowed */
  async start(): Promise<number> {
    const { listen, port } = this.#options;
    const app = await buildApp(this.#options);
    try {
      await app.listen({ host: listen, port });
    } catch (cause) {
      await app.close();
      throw listenError(cause, listen, port);
    }
    this.#app = app;
    const address = app.server.address();
    return typeof address === "object" && address ? address.port : port;
  }

  async stop(): Promise<void> {
    await this.#app?.close();
    this.#app = undefined;
  }
}

/** The application without a port: for the server above, and for tests by `inject`. */
export async function buildApp({
  console,
  accounts,
  page,
  names,
  proxies = new TrustedProxies(),
  join = {},
  provider,
  settings,
  bounds,
  tls,
  log,
  clock = systemClock,
}: HttpOptions): Promise<FastifyInstance> {
  const connections = new HttpConnections({
    bounds: { ...httpBounds, ...bounds },
    net: console.faults,
    log,
    clock,
    tls,
    isProxy: (address) => proxies.trusts(address),
  });
  const app = fastify({
    // Zod checks and writes. Without this Ajv would be loaded all the same; the types know no others.
    schemaController: {
      compilersFactory: {
        buildValidator: () => checkBySchema as never,
        buildSerializer: () => writeBySchema as never,
      },
    },
    serverFactory: (handler) => connections.server(handler),
    bodyLimit,
    forceCloseConnections: true,
    trustProxy: (address) => proxies.trusts(address),
    // What the router itself refuses: a path that is no UTF-8, a parameter that is too long.
    frameworkErrors: (error: Error & { statusCode?: number }, _request, reply) => {
      void sendProblem(reply, error.statusCode === 414 ? problem(414, longPath) : problem(400, badPath));
    },
  }).withTypeProvider<ZodTypes>();
  app.addHook("preClose", async () => connections.stop());
  setErrors(app, log);
  // Whoever has hung up gets no answer: the connection may have no address any more, which those who count by address stumble over. Nor does who was
  // hung up on, for having sent too many requests ahead.
  app.addHook("onRequest", async ({ socket }, reply) => {
    if (socket.destroyed || socket.remoteAddress === undefined) reply.hijack();
  });
  // Nothing is said to be done on the strength of a row that a power cut could still take.
  app.addHook("onSend", async ({ method }, { statusCode }) => {
    if (method !== "GET" && method !== "HEAD" && statusCode < 400) await accounts.synced();
  });
  readJsonBodies(app);
  auditChanges(app, () => console.audit, clock);
  waitForLocks(app);
  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: policy },
    strictTransportSecurity: false,
  });
  await app.register(cookie);
  app.addHook("onRequest", refuseForeign(new OwnNames(names)));
  app.addHook(
    "onRequest",
    identify(accounts, (device) => console.jobs.groups.of(device)),
  );
  app.addHook("onRequest", async ({ login, raw }) => {
    if (login) connections.known(raw.socket);
  });
  auditEntrances(app, () => console.entrances);
  tellOfGuesses(app, { accounts, audit: () => console.audit, log });
  await app.register(rateLimit, {
    max: requestsPerMinute,
    timeWindow: 60_000,
    // Who is logged in does not pay for strangers behind the same address.
    keyGenerator: ({ login, ip }) => (login ? `account ${login.principal.name}` : `address ${networkOf(ip)}`),
    errorResponseBuilder: tooMany,
  });
  const turns = new Turns({ clock });
  await app.register(serveOpenApi(turns));
  const joining = new Joining(join, () => clock.now());
  await registerRoutes(app, {
    console,
    accounts,
    joining,
    provider,
    settings,
    clock,
    send: sendInTurns(turns),
  });
  if (page !== undefined) await servePage(app, page);
  setNotFound(app, page !== undefined);
  return app;
}

const policy = {
  "default-src": ["'self'"],
  "style-src": ["'self'"],
  "script-src": ["'self'"],
  "img-src": ["'self'", "data:"],
  "connect-src": ["'self'"],
  "frame-ancestors": ["'none'"],
  "base-uri": ["'none'"],
  "form-action": ["'self'"],
};

function tooMany(_: unknown, { after }: { after: string }): Error & { statusCode: number } {
  return Object.assign(new Error(`too many requests: try again in ${after}`), { statusCode: 429 });
}

function setErrors(app: FastifyInstance, log: Log): void {
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const told = problemOf(error);
    if (error instanceof LoginsBusyError) reply.header("retry-after", String(error.retryAfter));
    if (!told) log.error({ err: error, path: request.url.split("?", 1)[0] }, "a request failed");
    return sendProblem(reply, told ?? problem(500, "something went wrong here; the console's log says what"));
  });
}

function sendProblem(reply: FastifyReply, answer: Problem): FastifyReply {
  return reply.code(answer.status).type("application/problem+json").serializer(JSON.stringify).send(answer);
}

async function servePage(app: FastifyInstance, root: string): Promise<void> {
  await app.register(fastifyStatic, {
    root,
    wildcard: false,
    immutable: true,
    maxAge: "1y",
    index: false,
    // What has no hash in its name changes under it: a browser that kept the service worker for a year would keep its page as long.
    setHeaders: (reply, path) => {
      if (!path.includes("/assets/")) reply.header("cache-control", "no-cache");
    },
  });
  app.get("/", (_, reply) => sendPage(reply));
}

/** The page has paths of its own: whatever a browser asks for that is neither a file nor the API's is the page. */
function setNotFound(app: FastifyInstance, page: boolean): void {
  app.setNotFoundHandler({ preHandler: app.rateLimit() }, (request, reply) => {
    const { method, url, headers } = request;
    if (page && method === "GET" && !url.startsWith("/api/") && headers.accept?.includes("text/html"))
      return sendPage(reply);
    const answer = problem(
      404,
      `there is nothing at ${method} ${url.slice(0, 200)}; GET /api/openapi.json lists what is`,
    );
    return sendProblem(reply, answer);
  });
}

function sendPage(reply: FastifyReply): FastifyReply {
  return reply.sendFile("index.html", { maxAge: 0, immutable: false });
}

function listenError(cause: unknown, listen: string, port: number): Error {
  const code = errorCode(cause);
  const where = `port ${port} on ${listen}`;
  if (code === "EADDRINUSE")
    return new EnvironmentError(`${where} is in use: stop the other program, or set MUSTER_HTTP_PORT`, { cause });
  if (code === "EACCES")
    return new EnvironmentError(`${where} is not allowed: choose a port above 1023 with MUSTER_HTTP_PORT`, { cause });
  return new EnvironmentError(`cannot listen on ${where}`, { cause });
}
