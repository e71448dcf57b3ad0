import { BlockList, isIP } from "node:net";

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

/** Whether an address is one on the internet: not this machine's, its network's, nor one that is kept for something else. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !reserved.check(address, "ipv4");
  return family === 6 && given6.check(address, "ipv6") && !reserved.check(address, "ipv6");
}
