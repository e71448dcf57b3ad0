import { networkInterfaces } from "node:os";

/** Addresses of one machine that are told: it may have one for each container. */
const maxAddresses = 3;

/**
 * The machine's own addresses, IPv4 first, as a fact of its birth: by them a person finds the two machines that run under one id. Undefined
 * where it has none but its loopback.
 */
export function ownAddresses(
  interfaces: ReturnType<typeof networkInterfaces> = networkInterfaces(),
): string | undefined {
  const all = Object.values(interfaces).flatMap((some) => some ?? []);
  const outward = all.filter(({ internal, address }) => !internal && !address.toLowerCase().startsWith("fe80:"));
  const of = (wanted: string): string[] =>
    outward.filter(({ family }) => family === wanted).map(({ address }) => address);
  return [...of("IPv4"), ...of("IPv6")].slice(0, maxAddresses).join(", ") || undefined;
}
