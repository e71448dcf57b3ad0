import { readFileSync } from "node:fs";
import { hostname, networkInterfaces } from "node:os";

/** What this machine says of itself, for its name. */
export interface SelfDescription {
  readonly hostname: string;
  readonly serial?: string;
  readonly mac?: string;
}

/** A Raspberry Pi's and other boards' own number; of a PC only root may read it. */
const serials = ["/sys/firmware/devicetree/base/serial-number", "/sys/class/dmi/id/product_serial"];
/** What makers leave in the place of one. */
const noSerial = /^(0*|none|default string|to be filled.*|not (specified|applicable)|system serial number)$/i;
const noMac = "00:00:00:00:00:00";

export function thisMachine(): SelfDescription {
  const serial = serials.map(textIn).find((text) => text !== undefined && !noSerial.test(text));
  const mac = ownMac();
  return { hostname: hostname(), ...(serial === undefined ? {} : { serial }), ...(mac === undefined ? {} : { mac }) };
}

function textIn(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1").replaceAll("\0", "").trim();
  } catch {
    return undefined;
  }
}

/** Of a wired interface rather than of another one, and of the same one each time; those of containers and bridges come and go. */
function ownMac(): string | undefined {
  const found = Object.entries(networkInterfaces())
    .filter(([name]) => !/^(lo|docker|br-|veth|virbr|tun|tap)/.test(name))
    .flatMap(([name, addresses = []]) =>
      addresses.filter(({ mac }) => mac !== noMac).map(({ mac }) => ({ name, mac })),
    );
  const [first] = found.sort((one, other) => rank(one.name) - rank(other.name) || (one.name < other.name ? -1 : 1));
  return first?.mac;
}

function rank(name: string): number {
  return /^(eth|en)/.test(name) ? 0 : 1;
}
