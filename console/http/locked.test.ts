import fastify from "fastify";
import * as assert from "uvu/assert";
import { suite, type Scope } from "../../test/suite.ts";
import { lockRetries, waitForLocks } from "./locked.ts";

const locked = (): Error => Object.assign(new Error("database is locked"), { sqliteCode: 5 });

function app(scope: Scope, thrown: (call: number) => Error | undefined) {
  const server = fastify();
  scope.cleanup(() => server.close());
  waitForLocks(server, { ...lockRetries, pause: 1 });
  const calls = { GET: 0, POST: 0 };
  for (const method of ["GET", "POST"] as const)
    server.route({
      method,
      url: "/",
      handler: async () => {
        calls[method] += 1;
        const error = thrown(calls[method]);
        if (error) throw error;
        return { done: true };
      },
    });
  return { calls, ask: async (method: "GET" | "POST") => (await server.inject({ method, url: "/" })).statusCode };
}

suite("requests that meet a lock", ({ test }) => {
  test("are tried again, so often and no more; questions and other errors are not", async (scope) => {
    const { times, pause } = lockRetries;
    assert.ok(times * pause <= 5_000, "nobody waits longer than five seconds");
    const short = app(scope, (call) => (call <= times ? locked() : undefined));
    assert.equal([await short.ask("POST"), short.calls.POST], [200, times + 1]);
    const long = app(scope, locked);
    assert.equal([await long.ask("POST"), long.calls.POST], [500, times + 1]);
    assert.equal([await long.ask("GET"), long.calls.GET], [500, 1]);
    const other = app(scope, () => new Error("another"));
    assert.equal([await other.ask("POST"), other.calls.POST], [500, 1]);
  });
});
