import * as assert from "uvu/assert";
import { hostOf, OwnNames } from "#shared/origins";
import { suite } from "../test/suite.ts";

const hosts: readonly (readonly [header: string | undefined, host: string | undefined])[] = [
  ["muster.example", "muster.example"],
  ["Muster.Example.:4030", "muster.example"],
  ["10.0.0.7:1883", "10.0.0.7"],
  ["[::1]:4030", "::1"],
  ["[FE80::1]", "fe80::1"],
  ["my_host", "my_host"],
  [undefined, undefined],
  ["", undefined],
  ["a b", undefined],
  ["[::1", undefined],
  ["[1.2]", undefined],
  ["host:", undefined],
  ["host:port", undefined],
  ["user@host", undefined],
  ["host/path", undefined],
  ["a\u0000b", undefined],
  ["x".repeat(300), undefined],
];

const origins: readonly (readonly [origin: string, host: string | undefined, own: boolean])[] = [
  ["http://localhost:4030", "localhost:1883", true],
  ["http://localhost:4030", "127.0.0.1:1883", true],
  ["http://[::1]:4030", "localhost:1883", true],
  ["http://10.0.0.7:4030", "10.0.0.7:1883", true],
  ["https://muster.example", "muster.example", true],
  ["https://muster.example", "10.0.0.7:1883", true],
  ["https://MUSTER.example:8443", "muster.example:1883", true],
  ["https://evil.example", "localhost:1883", false],
  ["https://evil.example", "muster.example", false],
  ["http://10.0.0.8", "10.0.0.7:1883", false],
  ["http://localhost", "10.0.0.7:1883", false],
  // Rebound: the page's own name points here.
  ["http://evil.example", "evil.example", false],
  ["null", "localhost", false],
  ["file://", "localhost", false],
  ["chrome-extension://abc", "localhost", false],
  ["http://localhost@evil.example", "localhost", false],
  ["http://localhost.evil.example", "localhost", false],
  ["http://evil.example\\@localhost", "localhost", false],
  ["http://localhost", undefined, false],
  ["", "localhost", false],
];

suite("origins", ({ test }) => {
  const names = new OwnNames(["Muster.Example"]);

  test("the host of a header is read without throwing", () => {
    for (const [header, host] of hosts) assert.is(hostOf(header), host, header);
  });

  test("Host means Muster by a name of its own, by loopback, and by an address in numbers", () => {
    for (const own of ["muster.example:4030", "localhost", "127.0.0.1:1", "[::1]:1", "192.168.1.5"])
      assert.is(names.isHost(own), true, own);
    for (const foreign of [undefined, "", "evil.example", "muster.example.evil", "localhost.evil"])
      assert.is(names.isHost(foreign), false, foreign);
  });

  test("Origin means a page of Muster's own", () => {
    for (const [origin, host, own] of origins) assert.is(names.isOrigin(origin, host), own, `${origin} at ${host}`);
  });
});
