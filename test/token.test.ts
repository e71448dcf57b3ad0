import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { musterProgram, runProgram, type Finished } from "./programs.ts";
import { suite, type Scope } from "./suite.ts";

/** A server that answers everything alike, and the logins that it was sent. */
async function listener(scope: Scope, head: Record<string, string> = {}): Promise<{ url: string; logins: string[] }> {
  const logins: string[] = [];
  const server = createServer(({ headers }: IncomingMessage, response) => {
    logins.push(headers.authorization ?? "none");
    response.writeHead(head["location"] ? 307 : 200, { "content-type": "application/json", ...head });
    response.end('{"devices":[]}');
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  scope.cleanup(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, logins };
}

async function place(scope: Scope, address?: string): Promise<(env: Record<string, string>) => Promise<Finished>> {
  const data = await scope.directory();
  await mkdir(join(data, "secrets"), { mode: 0o700 });
  await writeFile(join(data, "secrets/cli.token"), "local-token\n", { mode: 0o600 });
  if (address) await writeFile(join(data, "secrets/cli.url"), `${address}\n`, { mode: 0o600 });
  return (env) => runProgram(...musterProgram(["devices"]), { env: { MUSTER_DATA: data, ...env } });
}

suite("the command line's token", ({ test }) => {
  test("the data directory's goes to this machine, and to the console whose it is, and nowhere else", async (scope) => {
    const devices = await place(scope, "http://10.255.255.1:3000");
    const here = await listener(scope);
    assert.is((await devices({ MUSTER_URL: here.url })).code, 0);
    assert.equal(here.logins, ["Bearer local-token"]);
    for (const url of [
      "http://muster.invalid",
      "https://muster.invalid",
      "http://10.255.255.1:3001",
      "http://127.0.0.1.invalid",
    ]) {
      const { code, err } = await devices({ MUSTER_URL: url });
      assert.is(code, 1);
      assert.match(err, /is for the console on this machine, and is not sent to .*set MUSTER_TOKEN/);
    }
    // One that was given goes where it is told to.
    assert.match(
      (await devices({ MUSTER_URL: "http://muster.invalid", MUSTER_TOKEN: "a:b" })).err,
      /no console answers/,
    );
  });

  test("no answer leads it on to another address", async (scope) => {
    const other = await listener(scope);
    const leading = await listener(scope, { location: `${other.url}/api/devices` });
    const { code, err } = await (await place(scope))({ MUSTER_URL: leading.url });
    assert.is(code, 1);
    assert.match(err, /leads on to http:.*set MUSTER_URL to the console itself/);
    assert.equal([leading.logins.length, other.logins], [1, []]);
  });
});
