import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import * as assert from "uvu/assert";
import { fingerprintOf, certificatesIn } from "#shared/pinned-ca";
import { joinFingerprint } from "#shared/join-fingerprint";
import { suite } from "../../test/suite.ts";
import { startTls } from "../../test/tls.ts";
import { comeInByAsking } from "./come-in.ts";
import { IdentityFile } from "./identity.ts";

suite("a machine that asks", ({ test }) => {
  test("shows a new fingerprint at every run, of the first authority alone, and without TLS says that it proves nothing", async (scope) => {
    const [own, junk] = [(await startTls(scope)).authority.caBundle(), (await startTls(scope)).authority.caBundle()];
    const hashes: string[] = [];
    const server = createServer((asked, answer) => {
      if (asked.url === "/join/ca") return void answer.end(JSON.stringify({ ca: own + junk }));
      let body = "";
      asked.on("data", (part: Buffer) => (body += part.toString()));
      asked.on("end", () => {
        hashes.push((JSON.parse(body) as { hash: string }).hash);
        answer.end(JSON.stringify({ state: "denied", admission: null }));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    scope.cleanup(() => void server.close());
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const file = new IdentityFile(await scope.directory());
    const said: string[] = [];
    const ask = {
      origin,
      file,
      machine: { hostname: "cam" },
      now: Date.now,
      say: (line: string) => void said.push(line),
    };
    for (let run = 0; run < 2; run += 1)
      await comeInByAsking({ ...ask, wait: async () => {} }).then(
        () => assert.unreachable(),
        (error: Error) => assert.match(error.message, /has said no/),
      );
    assert.is(new Set(hashes).size, 2);
    const [first] = certificatesIn(own).map(fingerprintOf);
    assert.equal(
      said.filter((line) => line.startsWith("  ")).map((line) => line.trim()),
      hashes.map((hash) => joinFingerprint(hash, first ?? "")),
    );
    assert.is(said.filter((line) => /the fingerprint proves nothing/.test(line)).length, 2);
  });
});
