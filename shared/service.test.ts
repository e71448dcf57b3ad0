import { spawn } from "node:child_process";
import { once } from "node:events";
import * as assert from "uvu/assert";
import { suite, withDeadline, type Scope } from "../test/suite.ts";

/** Runs a program whose start is `begin`, and gives what it said and how it ended. */
async function run(scope: Scope, begin: string): Promise<{ out: string; status: number | null }> {
  const program = `
    import { systemClock } from "#shared/clock";
    import { EnvironmentError } from "#shared/errors";
    import { silentLog } from "#shared/log";
    import { SafetyNet } from "#shared/safety-net";
    import { fail, serve } from "#shared/service";
    const net = new SafetyNet({ ...silentLog, error: (_, message) => console.log(message) }, systemClock);
    const raise = (text) => { throw new Error(text); };
    serve(async (lifetime) => { ${begin} }, net).catch(fail);
  `;
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  scope.cleanup(() => child.kill("SIGKILL"));
  let out = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (out += chunk.toString()));
  const [status] = (await withDeadline(once(child, "close"), 15, "the program's end")) as [number | null];
  return { out, status };
}

suite("service", ({ test }) => {
  test("what nobody catches once it is up costs nothing else, however often it comes", async (scope) => {
    const { out, status } = await run(
      scope,
      `
        let left = 500;
        const again = () => {
          if (--left > 0) setImmediate(again);
          else setTimeout(() => { console.log("alive,", net.total, "caught"); process.exit(7); }, 50);
          if (left % 2) raise("from a callback");
          void Promise.reject(new Error("from a promise"));
        };
        setImmediate(again);
      `,
    );
    assert.is(status, 7, out);
    assert.match(out, /alive, 500 caught/);
    assert.ok(out.split("\n").length < 10, out);
    assert.match(out, /caught in nowhere else/);
  });

  test("before it is up it is a failed start", async (scope) => {
    const { out, status } = await run(
      scope,
      `
        setImmediate(() => raise("too early"));
        await new Promise((resolve) => setTimeout(resolve, 5_000));
      `,
    );
    assert.is(status, 1);
    assert.match(out, /muster: Error: too early/);
  });

  test("what the machine does not allow is told in a sentence", async (scope) => {
    const { out, status } = await run(scope, `throw new EnvironmentError("the port is in use");`);
    assert.is(status, 1);
    assert.is(out, "muster: the port is in use\n");
  });
});
