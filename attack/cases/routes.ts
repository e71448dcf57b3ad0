import * as fc from "fast-check";
import { must, type Case } from "../case.ts";
import { appear, topicsOf } from "../device.ts";
import type { Person, Place } from "../place.ts";
import { address } from "../raw.ts";
import { misfit, valuesOf, type Names, type Schema } from "../schema.ts";
import type { Answer } from "../web.ts";
import { stream } from "./growth.ts";

interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header" | "cookie";
  readonly schema: Schema;
}

type Content = Readonly<Record<string, { readonly schema?: Schema }>>;

interface Operation {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
}

interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

const roles: readonly (Person | undefined)[] = [undefined, "vera", "olaf", "admin"];
/** Answered on any route, whether it is described there or not: the request was wrong, too much, or by nobody. */
const usual = new Set([400, 401, 403, 404, 405, 409, 413, 414, 415, 421, 422, 429, 431]);
/** Something behind the console failed, and the answer says so. */
const documented = new Set([502, 503, 504]);
/** Open to those who are not logged in. */
const open = new Set([
  "GET /healthz",
  "POST /api/session",
  "GET /api/login-ways",
  "DELETE /api/session",
  "GET /join",
  "GET /join/muster-agent.cjs",
  "GET /join/ca",
  "GET /join/release/{name}",
  "POST /join",
  "GET /join/seen",
  "POST /join/ask",
]);
/** What everybody does of their own: sessions, tokens, a second factor, views and commands that they keep, browsers that are told of alerts. */
const own = new Set([
  "DELETE /api/sessions/{id}",
  "POST /api/tokens",
  "DELETE /api/tokens/{id}",
  "POST /api/second-factor",
  "POST /api/second-factor/confirmed",
  "PUT /api/favourites/views/{name}",
  "DELETE /api/favourites/views/{name}",
  "POST /api/browsers",
  "DELETE /api/browsers/{id}",
  "POST /api/browsers/{id}/test",
]);

/** Every route, driven by the console's own description. */
export const routes: Case = {
  name: "routes",
  tries: "every route of the OpenAPI description with valid and invalid input, as nobody, viewer, operator and admin",
  async run({ place, device, random, budget }) {
    const peer = await appear(place, device);
    peer.onMessage(({ topic, payload }) => {
      const id = topic.split("/").at(-1) ?? "";
      if (!topic.includes("/cmd/") || payload.length === 0) return;
      const reply = { id, ts: Date.now(), state: "succeeded", result: { pong: true } };
      void peer.publish(topicsOf(device).reply(id), JSON.stringify(reply)).catch(() => {});
    });
    const { paths } = await place.read<Description>("/api/openapi.json", "admin");
    const statuses = new Map<number, number>();
    const wrong: string[] = [];
    let [count, number] = [0, 0];
    for (const [path, operations] of Object.entries(paths)) {
      for (const [method, operation] of Object.entries(operations)) {
        number += 1;
        for (const role of roles) {
          const requests = fc.sample(requestsOf(operation, namesOf(device)), {
            numRuns: budget.requests,
            seed: random.between(0, 2 ** 31),
          });
          for (const { given, query, body, raw } of requests) {
            const url = fill(path, given) + (query.length > 0 ? `?${query}` : "");
            const route = `${method.toUpperCase()} ${path}`;
            const answer = await send(place, route, url, { as: role, body, raw, from: address(count % 100) });
            count += 1;
            statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
            const problem = judge(route, role, operation, answer);
            if (problem && wrong.length < 5)
              wrong.push(
                `${route} as ${role ?? "nobody"} (${url.slice(0, 120)} ${JSON.stringify(body)?.slice(0, 200) ?? ""}): ${problem}`,
              );
          }
        }
      }
    }
    peer.leave();
    must(wrong.length === 0, wrong.join("\n    "));
    const told = [...statuses].toSorted(([a], [b]) => a - b).map(([status, times]) => `${times} × ${status}`);
    return `${count} requests on ${number} routes: ${told.join(", ")}`;
  },
};

/** Values that get past the first check. Nothing that a healthy device would have to suffer from. */
function namesOf(device: string): Names {
  const ids = [device, "nobody"];
  const short = ["50ms", 50, "0.1s", -1, "5 parsecs", ""];
  return {
    id: ids,
    uuid: ids,
    device: ids,
    "devices[]": ids,
    key: ["ping", "hold", "nope"],
    timeout: short,
    ttl: ["1s", 100, "x"],
    wait: ["true", "false"],
    group: ["lab"],
    measurement: ["marker"],
    field: ["mark"],
    from: ["-5m", "0", "now", "-1000000000000d", "1e99", "2026-01-01"],
    to: ["now", "-1s", "9".repeat(30)],
    every: ["0", "1s", "1ms", "-1s", "1e9d"],
    // No account of those who ask: the administrator would give it another password, or take it away.
    name: ["nobody", "nemo"],
    password: ["wrong password"],
    // Everybody in the fleet would be asked.
    all: [false],
    where: ["os=linux && ", "os=", "(", "id=nobody"],
  };
}

function requestsOf({ parameters = [], requestBody }: Operation, names: Names) {
  const of = (where: Parameter["in"]): fc.Arbitrary<Record<string, unknown>> => {
    const model = parameters
      .filter((one) => one.in === where)
      .map((one) => [one.name, valuesOf(one.schema, names, one.name)] as const);
    return fc.record(Object.fromEntries(model), { requiredKeys: where === "path" ? model.map(([name]) => name) : [] });
  };
  const schema = requestBody?.content["application/json"]?.schema;
  const body = schema
    ? fc.option(valuesOf(schema, names), { nil: undefined, freq: 20 })
    : fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, fc.jsonValue());
  return fc
    .record({ given: of("path"), query: of("query"), body, broken: fc.integer({ min: 0, max: 19 }) })
    .map(({ given, query, body: value, broken }) => ({
      given,
      query: new URLSearchParams(Object.entries(query).map(([name, one]) => [name, plain(one)])).toString(),
      // Operators may ask the whole fleet, and the fleet has healthy devices in it.
      body: JSON.stringify(value)?.includes('"all":true') ? {} : value,
      raw: broken === 0 ? '{"a":' : broken === 1 ? "\u0000" : broken === 2 ? '{"__proto__":{"a":1}}' : undefined,
    }));
}

function fill(path: string, given: Readonly<Record<string, unknown>>): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encoded(plain(given[name])) || "%20");
}

/** Half a character cannot be written in a URL. */
function encoded(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString()).slice(0, 2_000).replace(/%.?$/, "");
}

function plain(value: unknown): string {
  return (typeof value === "string" ? value : (JSON.stringify(value) ?? "")).slice(0, 4_000);
}

interface Sending {
  readonly as: Person | undefined;
  readonly body: unknown;
  readonly raw: string | undefined;
  readonly from: string;
}

async function send(place: Place, route: string, url: string, { as, body, raw, from }: Sending): Promise<Answer> {
  const [method = "GET", path] = route.split(" ");
  // It has no end: its status is all there is to see.
  if (path === "/api/events" && as !== undefined) {
    const { status, close } = await stream(place, as, from);
    close();
    return { status, headers: {}, text: "", ms: 0 };
  }
  const sent = method === "GET" ? undefined : (raw ?? body);
  return place.ask(url, {
    as,
    method,
    from,
    ...(sent === undefined
      ? {}
      : { body: typeof sent === "string" && raw === undefined ? JSON.stringify(sent) : sent }),
  });
}

/** What is wrong with an answer, if anything. */
function judge(
  route: string,
  as: Person | undefined,
  { responses }: Operation,
  { status, headers, text }: Answer,
): string | undefined {
  const declared = responses[String(status)];
  if (status >= 500 && !documented.has(status)) return `it is answered ${status}: ${text.slice(0, 200)}`;
  if (!declared && !usual.has(status) && !documented.has(status))
    return `${status} is not described: ${text.slice(0, 200)}`;
  if (as === undefined && !open.has(route) && status < 400) return `nobody is answered ${status}`;
  if (as === "vera" && !route.startsWith("GET ") && !open.has(route) && !own.has(route) && status < 400)
    return `a viewer is answered ${status}`;
  const isHealth = route === "GET /healthz";
  if (status >= 400 && !isHealth) return misfitOfProblem(status, headers["content-type"], text);
  const schema = declared?.content?.["application/json"]?.schema;
  if (!schema || !headers["content-type"]?.includes("json")) return undefined;
  return misfit(schema, JSON.parse(text));
}

function misfitOfProblem(status: number, type: string | undefined, text: string): string | undefined {
  if (!type?.startsWith("application/problem+json"))
    return `${status} comes as ${type ?? "nothing"}: ${text.slice(0, 100)}`;
  const told = JSON.parse(text) as { status?: unknown; detail?: unknown; title?: unknown };
  if (told.status !== status || typeof told.detail !== "string" || typeof told.title !== "string")
    return `the problem does not fit its status: ${text.slice(0, 200)}`;
  return undefined;
}
