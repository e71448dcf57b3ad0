import * as assert from "uvu/assert";
import { suite } from "../test/suite.ts";
import { ApiError, createClient, UnreachableError, type Client } from "./client.ts";

const json = { "content-type": "application/json; charset=utf-8" };
const html = { "content-type": "text/html" };
const problem = { "content-type": "application/problem+json" };

/** A client that gets this answer, and what it has asked for. */
function clientGetting(
  answer: () => Response | Promise<Response>,
  login?: string,
): { client: Client; asked: string[] } {
  const asked: string[] = [];
  const client = createClient({
    url: "http://console/",
    ...(login === undefined ? {} : { login }),
    fetch: async (url, init) => {
      const { authorization = "nobody" } = (init?.headers ?? {}) as Record<string, string>;
      asked.push(`${init?.method} ${url as string} ${authorization} ${(init?.body as string | undefined) ?? "-"}`);
      return answer();
    },
  });
  return { client, asked };
}

suite("the client of the HTTP API", ({ test }) => {
  test("puts the caller's parts into the path, what is sent into the body, and the rest into the query", async () => {
    const { client, asked } = clientGetting(() => new Response("{}", { headers: json }), "ünn:pass:word");
    await client.listDevices();
    await client.getDevice("a/b?c");
    await client.listCommands({ device: undefined, limit: 5 });
    await client.sendCommand("rpi-7", { key: "ping" }, { wait: false });
    await client.setGroups("rpi-7", { groups: [] });
    const basic = `Basic ${Buffer.from("ünn:pass:word").toString("base64")}`;
    assert.equal(asked, [
      `GET http://console/api/devices ${basic} -`,
      `GET http://console/api/devices/a%2Fb%3Fc ${basic} -`,
      `GET http://console/api/commands?limit=5 ${basic} -`,
      `POST http://console/api/devices/rpi-7/commands?wait=false ${basic} {"key":"ping"}`,
      `PUT http://console/api/devices/rpi-7/groups ${basic} {"groups":[]}`,
    ]);
  });

  for (const [what, answer, status, message] of [
    ["a problem", () => new Response('{"detail":"not here"}', { status: 404, headers: problem }), 404, "not here"],
    ["a proxy's error", () => new Response("<p>", { status: 502, headers: html }), 502, "the console answered 502"],
    ["a proxy's page", () => new Response("<p>", { headers: html }), 200, "it sent no JSON"],
    ["another place", () => new Response(null, { status: 302, headers: { location: "//b" } }), 302, "leads on to //b"],
    ["a proxy's 503", () => new Response("<p>", { status: 503, headers: html }), 503, "the console answered 503"],
  ] as const)
    test(`tells ${what} as an ApiError`, async () => {
      const { client } = clientGetting(answer, "token");
      try {
        await client.getHealth();
        assert.unreachable();
      } catch (error) {
        assert.instance(error, ApiError);
        assert.is((error as ApiError).status, status);
        assert.match((error as ApiError).message, message);
      }
    });

  test("takes the health of a console that is not well for an answer", async () => {
    const { client } = clientGetting(() => new Response('{"ok":false}', { status: 503, headers: json }));
    assert.equal(await client.getHealth(), { ok: false });
  });

  test("tells who does not answer as an UnreachableError, and leaves what was aborted alone", async () => {
    const cause = Object.assign(new Error("no"), { code: "ECONNREFUSED" });
    const { client } = clientGetting(() => Promise.reject(new TypeError("fetch failed", { cause })));
    const error = await client.listJobs().catch((thrown: unknown) => thrown);
    assert.instance(error, UnreachableError);
    assert.is((error as UnreachableError).code, "ECONNREFUSED");
    const aborted = new DOMException("time is over", "TimeoutError");
    const other = clientGetting(() => Promise.reject(aborted)).client;
    assert.is(await other.listJobs().catch((thrown: unknown) => thrown), aborted);
  });

  test("reads events however they are cut, and passes over what is none", async () => {
    const text =
      'retry: 1000\n\n: still here\n\nevent: removed\ndata: {"device":"a"}\n\nevent: removed\r\ndata: {"device":"ü"}\r\n\r\n';
    const bytes = new TextEncoder().encode(text);
    for (const size of [1, 7, bytes.length]) {
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size));
          controller.close();
        },
      });
      const told: unknown[] = [];
      for await (const event of clientGetting(() => new Response(body)).client.events()) told.push(event);
      assert.equal(told, [
        { event: "removed", data: { device: "a" } },
        { event: "removed", data: { device: "ü" } },
      ]);
    }
  });
});
