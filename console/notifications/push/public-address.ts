import { BlockList, isIP } from "node:net";
import { networkInterfaces } from "node:os";

/** What of IPv4 is no machine's on the internet (RFC 6890 and its registry). */
const reserved4 = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.31.196.0", 24],
  ["192.52.193.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["192.175.48.0", 24],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
] as const;
/** What of IPv6 within the part that is given out leads somewhere else, or to an address of IPv4 in it: Teredo, documentation, 6to4. */
const reserved6 = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
] as const;

const reserved = new BlockList();
for (const [from, bits] of reserved4) reserved.addSubnet(from, bits, "ipv4");
for (const [from, bits] of reserved6) reserved.addSubnet(from, bits, "ipv6");
const given6 = new BlockList();
given6.addSubnet("2000::", 3, "ipv6");

/**
 * Whether an address is one on the internet: not this machine's, its network's, nor one that is kept for something else.
 * @param interfaces those of this machine: by IPv6 all of its network have addresses as on the internet
 */
export function isPublicAddress(address: string, interfaces = networkInterfaces()): boolean {
  const family = isIP(address);
  if (family === 4) return !reserved.check(address, "ipv4") && !networksOf(interfaces).check(address, "ipv4");
  if (family !== 6 || !given6.check(address, "ipv6") || reserved.check(address, "ipv6")) return false;
  return !networksOf(interfaces).check(address, "ipv6");
}

function networksOf(interfaces: ReturnType<typeof networkInterfaces>): BlockList {
  const networks = new BlockList();
  for (const { cidr, family } of Object.values(interfaces).flatMap((one) => one ?? [])) {
    const [network = "", bits] = cidr?.split("/") ?? [];
    // Whoever has the whole internet behind an interface is not cut off by it.
    if (Number(bits) > 0) networks.addSubnet(network, Number(bits), family === "IPv4" ? "ipv4" : "ipv6");
  }
  return networks;
}
