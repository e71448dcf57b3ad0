import { createHash } from "node:crypto";
import { existsSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { suite, type Scope } from "../../test/suite.ts";
import { maxUndoAge, Versions } from "./agent-versions.ts";
import { download, maxVain } from "./download.ts";

const content = Buffer.from("0123456789".repeat(20_000));

/** A server and a clock on which no wait takes time. */
async function begin(scope: Scope, answer: RequestListener, size = content.length) {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  scope.cleanup(() => void server.close());
  const clock = new ManualClock();
  clock.after = (_, run) => {
    const soon = setImmediate(run);
    return () => clearImmediate(soon);
  };
  const path = join(await scope.directory(), "file.part");
  const sha256 = createHash("sha256").update(content).digest("hex");
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/file`);
  const abort = new AbortController();
  const fetch = (): Promise<void> =>
    download({ url, trust: undefined, size, sha256, path }, { clock, signal: abort.signal, progress: () => {} });
  return { path, fetch, abort };
}

const failed = (work: Promise<void>): Promise<string> =>
  work.then(
    () => "nothing",
    (error: Error) => error.message,
  );

suite("fetching a file of a release", ({ test }) => {
  test("goes on where it was cut off, however often, as long as something comes", async (scope) => {
    const asked: (string | undefined)[] = [];
    const { path, fetch } = await begin(scope, ({ headers: { range } }, answer) => {
      asked.push(range);
      const from = Number(/\d+/.exec(range ?? "0")?.[0]);
      const part = content.subarray(from, from + 20_000);
      answer.writeHead(from > 0 ? 206 : 200, { "content-length": content.length - from });
      answer.write(part, () => answer.socket?.end());
    });
    await fetch();
    assert.ok(readFileSync(path).equals(content));
    assert.is(asked[0], undefined);
    assert.ok(asked.length >= 10 && asked.slice(1).every((range) => /^bytes=\d+-$/.test(range ?? "")));
  });

  test("begins anew with a server that knows no parts, and with what an earlier run has left wrong", async (scope) => {
    const { path, fetch } = await begin(scope, (_, answer) => void answer.end(content));
    writeFileSync(path, "01234");
    await fetch();
    assert.ok(readFileSync(path).equals(content));
    writeFileSync(path, Buffer.alloc(content.length));
    await fetch();
    assert.ok(readFileSync(path).equals(content));
  });

  test("takes no more than was signed, nothing else, and no page of an error", async (scope) => {
    const long = await begin(scope, (_, answer) => void answer.end(content), content.length - 1);
    assert.match(await failed(long.fetch()), /sends more than the 199999 bytes that were signed/);
    const other = await begin(scope, (_, answer) => void answer.end(Buffer.alloc(content.length)));
    assert.match(await failed(other.fetch()), /not the file that was signed/);
    assert.not.ok(existsSync(other.path));
    const none = await begin(scope, (_, answer) => void answer.writeHead(404).end("x"));
    assert.match(await failed(none.fetch()), /answers 404/);
  });

  test("gives up after so many connections in vain, and at once when it is withdrawn", async (scope) => {
    let asked = 0;
    const { fetch, abort } = await begin(scope, ({ socket }) => void ((asked += 1), socket.destroy()));
    assert.match(await failed(fetch()), /cannot be fetched: /);
    assert.is(asked, maxVain);
    abort.abort();
    await failed(fetch());
    assert.is(asked, maxVain);
  });
});

suite("the version of before", ({ test }) => {
  test("can be gone back to for a day, by a clock that is off in either way", async (scope) => {
    const state = await scope.directory();
    const versions = new Versions({ state, base: "1-2" });
    assert.not.ok(versions.mayUndo(Date.now()));
    const path = join(state, "previous");
    writeFileSync(path, "v1.cjs 1-2\n");
    utimesSync(path, 1_000_000, 1_000_000);
    const then = 1_000_000_000;
    for (const way of [-1, 1]) {
      assert.ok(versions.mayUndo(then + way * (maxUndoAge - 1)));
      assert.not.ok(versions.mayUndo(then + way * maxUndoAge));
    }
  });
});
