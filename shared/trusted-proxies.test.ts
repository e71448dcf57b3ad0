import * as assert from "uvu/assert";
import { suite } from "../test/suite.ts";
import { TrustedProxies } from "./trusted-proxies.ts";

suite("trusted proxies", ({ test }) => {
  test("who is trusted", () => {
    const proxies = new TrustedProxies(["10.0.0.1", "192.168.0.0/16", "2001:db8::/32"]);
    for (const [address, trusted] of [
      ["10.0.0.1", true],
      ["::ffff:10.0.0.1", true],
      ["10.0.0.2", false],
      ["192.168.7.9", true],
      ["2001:db8::5", true],
      ["2001:db9::5", false],
      ["", false],
      ["localhost", false],
    ] as const)
      assert.is(proxies.trusts(address), trusted, address);
    assert.is(new TrustedProxies().trusts("127.0.0.1"), false);
  });

  test("where a connection comes from", () => {
    const proxies = new TrustedProxies(["10.0.0.0/8"]);
    for (const [remote, header, client] of [
      ["10.0.0.1", "1.2.3.4", "1.2.3.4"],
      ["10.0.0.1", "6.6.6.6, 1.2.3.4", "1.2.3.4"],
      ["10.0.0.1", "1.2.3.4, 10.0.0.2", "1.2.3.4"],
      ["10.0.0.1", undefined, "10.0.0.1"],
      ["10.0.0.1", "nonsense", "10.0.0.1"],
      ["9.9.9.9", "1.2.3.4", "9.9.9.9"],
    ] as const)
      assert.is(proxies.clientOf(remote, header), client, `${remote} ${header}`);
  });

  test("what is no address is refused", () => {
    for (const entry of ["", "proxy", "10.0.0.1/33", "10.0.0.1/", "10.0.0.1/8/8", "::1/129", "10.0.0.1/x"])
      assert.throws(() => new TrustedProxies([entry]), /expected addresses/, entry);
  });
});
