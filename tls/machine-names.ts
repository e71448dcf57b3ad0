import { hostname, networkInterfaces } from "node:os";
import { isIP } from "node:net";

/** Names and addresses in one certificate: it goes over the wire with each handshake, and a machine with containers has addresses by the hundred. */
export const maxMachineNames = 100;

/**
 * What a certificate of this machine has to name: what it calls itself, loopback, the addresses of its interfaces, and what it was told.
 * @param given names and addresses by which it is reached besides, as through a router; they come first
 */
export function machineNames(given: readonly string[], machine = { hostname, networkInterfaces }): readonly string[] {
  const own = machine.hostname().toLowerCase();
  const addresses = Object.values(machine.networkInterfaces())
    .flatMap((entries) => entries ?? [])
    // A link-local address of IPv6 means something with a zone alone, which no certificate can have.
    .filter(({ address }) => !/^fe80:/i.test(address))
    .map(({ address }) => address);
  const short = own.replace(/\..*$/, "");
  const names = [...given.map(bare), own, short, `${short}.local`, "localhost", "127.0.0.1", "::1", ...addresses];
  return [...new Set(names.map((name) => name.toLowerCase()).filter(isName))].slice(0, maxMachineNames);
}

function bare(name: string): string {
  return name.replace(/^\[(.*)\]$/, "$1");
}

/** "Any address" is none, and a host may be named as no certificate can say it. */
function isName(name: string): boolean {
  if (isIP(name) > 0) return name !== "0.0.0.0" && name !== "::";
  return name.length <= 253 && /^[a-z0-9_]([a-z0-9_.-]*[a-z0-9])?$/.test(name);
}
