import { readFile } from "node:fs/promises";
import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { linux } from "./all.ts";
import { record, sample } from "./fixture.ts";
import { maxKnownNames, nameFilter, usualNames } from "./name-filter.ts";

const cases: [patterns: string, taken: string[], left: string[]][] = [
  ["", ["eth0", "lo", "/"], []],
  ["eth0", ["eth0"], ["eth01", "xeth0", "ETH0"]],
  ["eth*, wlan?", ["eth0", "eth", "wlan0"], ["wlan", "wlan10", "enp3s0"]],
  ["!veth*,!br-*", ["eth0", "br0", "vlan3"], ["veth1a", "br-5f6a"]],
  ["eth*,!eth1", ["eth0", "eth10"], ["eth1", "wlan0"]],
  ["!*", [], ["eth0", ""]],
  ["*a*b?c*", ["abxc", "aabbxc-", "xa-b-bcc"], ["abc", "ab", "bxca"]],
  ["**?", ["e", "eth0", "?"], [""]],
  [`!${"*".repeat(500)}x,!${"*e".repeat(500)}`, ["enable-collector", "e".repeat(499)], ["box", "e".repeat(500)]],
  ["/data/*", ["/data/a", "/data/a/b"], ["/data", "/database"]],
  ["a.b[c](d)$^\\\\+|{1}", ["a.b[c](d)$^\\\\+|{1}"], ["axb[c](d)$^\\\\+|{1}", "a"]],
  [
    usualNames.interfaces,
    ["eth0", "wlan0", "docker0", "cni0", "wg0", "all"],
    ["veth12ab", "cali77", "br-12ab", "lxc0"],
  ],
  [
    usualNames.mounts,
    ["/", "/var", "/var/lib/docker"],
    ["/run/netns", "/var/lib/kubelet/pods/1", "/var/lib/docker/overlay2/a/merged"],
  ],
  [usualNames.disks, ["sda", "nvme0n1p1", "dm-0", "md0", "zram0"], ["loop0", "ram15"]],
];

suite("names", ({ test }) => {
  test("patterns: text, any text, any character, and what is left out", () => {
    for (const [patterns, taken, left] of cases) {
      const filter = nameFilter(patterns);
      for (let again = 0; again < 2; again += 1) {
        for (const name of taken) assert.ok(filter(name), `"${patterns}" takes ${name}`);
        for (const name of left) assert.not.ok(filter(name), `"${patterns}" leaves ${name}`);
      }
    }
  });

  test("docs/metrics.md tells the usual ones, and the agent's settings put others in their place", async (scope) => {
    const page = await readFile("docs/metrics.md", "utf8");
    for (const [kind, patterns] of Object.entries(usualNames))
      assert.match(page, `| \`MUSTER_${kind.toUpperCase()}\` | \`${patterns}\` |`);
    const { proc } = await record(scope, { "/proc/net/dev": "eth0: 1 1\n veth1: 1 1\n" });
    const net = linux(proc, { interfaces: "veth*" }).find(({ name }) => name === "net");
    const readings = await sample(net!);
    assert.equal(
      readings.map(({ tags }) => tags["interface"]),
      ["veth1", "all"],
    );
  });

  test("the names of a hundred thousand containers are no leak, and change no answer", () => {
    const filter = nameFilter(usualNames.interfaces);
    for (let at = 0; at < 100 * maxKnownNames; at += 1) assert.not(filter(`veth${at}`));
    assert.ok(filter("eth0"));
  });
});
