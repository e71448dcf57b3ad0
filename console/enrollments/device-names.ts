import { BadInputError } from "#shared/errors";
import { asDeviceId, parseDeviceId, type DeviceId } from "#shared/ids";
import { quoted } from "#shared/printable";

/** What a machine says of itself, for its name. */
export interface MachineSaid {
  readonly hostname?: string | undefined;
  readonly serial?: string | undefined;
  readonly mac?: string | undefined;
}

const places = {
  hostname: "a host name",
  serial: "a serial number",
  mac: "a network interface with an address",
} as const;
type Place = keyof typeof places;
const placePattern = /\{([^{}]*)\}/g;
/** Machines of one name that are told apart by a number. */
export const maxOfOneName = 1_000;
const maxIdLength = 63;

/** Whether the name has places for what a machine says of itself. */
export function isTemplate(name: string): boolean {
  return name.includes("{");
}

/** @throws BadInputError where no device's id could come of it */
export function checkName(name: string): void {
  for (const [place, what = ""] of name.matchAll(placePattern))
    if (!isPlace(what)) throw new BadInputError(`${quoted(place)} in the name: expected {hostname}, {serial} or {mac}`);
  parseDeviceId(name.replaceAll(placePattern, "x"));
}

/**
 * The ids that a machine may have by a name, the best first: a name that is taken gets a number.
 * @throws BadInputError where the name asks for what the machine has not
 */
export function* namesFor(name: string, machine: MachineSaid): Generator<DeviceId, void, void> {
  const base = filled(name, machine);
  for (let number = 1; number <= maxOfOneName; number += 1) {
    const behind = number === 1 ? "" : `-${number}`;
    const id = asDeviceId(base.slice(0, maxIdLength - behind.length) + behind);
    if (id) yield id;
  }
}

function filled(name: string, machine: MachineSaid): string {
  const text = name.replaceAll(placePattern, (_, what: string) => {
    const said = isPlace(what) ? cleaned(what, machine[what] ?? "") : "";
    if (said === "")
      throw new BadInputError(
        `the name ${quoted(name)} asks for ${isPlace(what) ? places[what] : what}, which this machine has not: make a code with another name`,
      );
    return said;
  });
  return text.replace(/^[^a-z0-9]+/, "");
}

function cleaned(what: Place, said: string): string {
  const low = said.toLowerCase();
  if (what === "mac") return low.replaceAll(/[^0-9a-f]/g, "");
  return low.replaceAll(/[^a-z0-9._-]+/g, "-").replaceAll(/^[^a-z0-9]+|[^a-z0-9]+$/g, "");
}

function isPlace(what: string): what is Place {
  return Object.hasOwn(places, what);
}
