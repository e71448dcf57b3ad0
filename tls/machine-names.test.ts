import * as assert from "uvu/assert";
import { suite } from "../test/suite.ts";
import { machineNames, maxMachineNames } from "./machine-names.ts";

const at = (address: string, family: "IPv4" | "IPv6" = "IPv4") =>
  ({ address, family, internal: false, netmask: "", mac: "", cidr: null, scopeid: 0 }) as const;

suite("the names in a certificate", ({ test }) => {
  test("what was given comes first, then the machine's own names and addresses, each once", () => {
    const machine = {
      hostname: () => "Pi.lan",
      networkInterfaces: () => ({
        lo: [at("127.0.0.1")],
        eth0: [at("10.0.0.7"), at("fe80::1", "IPv6"), at("fd00::7", "IPv6")],
      }),
    };
    assert.equal(machineNames(["muster.example.org", "0.0.0.0", "[fd00::9]"], machine), [
      "muster.example.org",
      "fd00::9",
      "pi.lan",
      "pi",
      "pi.local",
      "localhost",
      "127.0.0.1",
      "::1",
      "10.0.0.7",
      "fd00::7",
    ]);
  });

  test("there are so many, and no more; a host name that no certificate can have is left out", () => {
    const addresses = Array.from({ length: maxMachineNames }, (_, n) => at(`10.1.${n >> 8}.${n & 255}`));
    const names = machineNames([], { hostname: () => "no host!", networkInterfaces: () => ({ eth0: addresses }) });
    assert.is(names.length, maxMachineNames);
    assert.is(names[0], "localhost");
  });
});
