import type { NetworkInterfaceInfo } from "node:os";
import * as assert from "uvu/assert";
import { suite } from "../test/suite.ts";
import { ownAddresses } from "./own-addresses.ts";

const at = (address: string, internal = false): NetworkInterfaceInfo =>
  ({ address, internal, family: address.includes(":") ? "IPv6" : "IPv4" }) as NetworkInterfaceInfo;

suite("the machine's own addresses", ({ test }) => {
  test("IPv4 first, a few, and none that mean nothing elsewhere", () => {
    const cases: [Record<string, NetworkInterfaceInfo[]>, string | undefined][] = [
      [{}, undefined],
      [{ lo: [at("127.0.0.1", true), at("::1", true)] }, undefined],
      [
        { lo: [at("127.0.0.1", true)], eth0: [at("fe80::1"), at("2001:db8::5"), at("10.0.0.5")] },
        "10.0.0.5, 2001:db8::5",
      ],
      [
        { eth0: [at("10.0.0.1"), at("10.0.0.2")], eth1: [at("10.0.0.3"), at("10.0.0.4")] },
        "10.0.0.1, 10.0.0.2, 10.0.0.3",
      ],
    ];
    for (const [interfaces, expected] of cases) assert.is(ownAddresses(interfaces), expected);
  });
});
