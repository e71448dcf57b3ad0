import { brokerHere, isLoopbackHost, parseBrokerUrl, type BrokerAddress } from "#shared/address";
import type { CommandLine } from "#shared/commandline";
import { BadInputError } from "#shared/errors";
import { parseDeviceId } from "#shared/ids";
import type { Settings } from "#shared/settings";
import { parseFaults } from "./faults.ts";
import type { SimOptions } from "./sim.ts";
import { forShell, quoted } from "#shared/printable";

/** The command's own flags, as text. */
export interface SimFlags {
  readonly devices: string;
  readonly prefix: string;
  readonly seed: string;
  readonly rate: string;
  readonly flap?: string;
  readonly skew?: string;
  readonly clone?: string;
  readonly duration?: string;
  readonly secret?: string | true;
  readonly secretFile?: string;
  readonly broker?: string;
  readonly enroll?: boolean;
}

/** The secret of simulated devices: a variable, which other users of the machine cannot read. */
export const simulatedSecretVariable = "MUSTER_SIM_SECRET";

const maxDevices = 50_000;

/** `sim-00001` and so on: the same ids whatever the number of devices. @throws BadInputError */
export function idsOf({ devices, prefix }: SimFlags): string[] {
  const count = whole("--devices", devices, maxDevices);
  return Array.from({ length: count }, (_, index) => parseDeviceId(`${prefix}${String(index + 1).padStart(5, "0")}`));
}

/**
 * Which broker: this machine's, or one that the command line itself names. An address in the settings is that of real
 * devices' broker, and should not get thousands of connections because somebody tried a command.
 * @throws BadInputError
 */
export function brokerOf({ broker }: SimFlags, where: Where): { host: string; port: number; isTls: boolean } {
  const address = socketAddress(broker ?? where.mqttUrl ?? brokerHere(where));
  if (address === undefined)
    throw new BadInputError(
      `simulated devices speak MQTT over TCP or TLS: expected a URL such as mqtt://host:1883 or mqtts://host:8883${broker === undefined ? "" : ` for --broker, got ${quoted(broker)}`}`,
    );
  const isTls = address.protocol === "mqtts";
  const { host, port = isTls ? 8_883 : 1_883, url } = address;
  if (broker === undefined && !isLoopbackHost(host) && host !== where.listen)
    throw new BadInputError(
      `the broker in the settings is another machine, ${url.slice(url.indexOf("//") + 2)}: if you mean to load it, say so with --broker ${url}`,
    );
  return { host, port, isTls };
}

function socketAddress(url: string): BrokerAddress | undefined {
  try {
    const address = parseBrokerUrl(url);
    return address.protocol === "mqtt" || address.protocol === "mqtts" ? address : undefined;
  } catch {
    return undefined;
  }
}

type Where = Pick<Settings, "mqttUrl" | "mqttPort" | "listen">;

/** How many devices have which fault, how fast they connect. @throws BadInputError */
export function plan(flags: SimFlags, devices: number): Pick<SimOptions, "faults" | "rate" | "seed"> {
  return {
    faults: parseFaults(flags, devices),
    rate: whole("--rate", flags.rate, 10_000),
    seed: flags.seed,
  };
}

/**
 * How to run the enrolled devices on another machine than the console's.
 * @param bundle the file of the authorities that are to be trusted there, where Muster speaks TLS to other machines
 */
export function elsewhere(
  { devices, prefix }: SimFlags,
  secret: string,
  { port, bundle }: { readonly port: number; readonly bundle: string | undefined },
): string {
  const broker =
    bundle === undefined ? `mqtt://THIS-HOST:${port}` : `mqtts://THIS-HOST:${port} --ca ca.crt   (a copy of ${bundle})`;
  return `${devices} simulated devices are enrolled. On the other machine:\n  ${simulatedSecretVariable}=${forShell(secret)} npx muster sim --devices ${devices} --prefix ${forShell(prefix)} --broker ${broker}`;
}

type Command = ReturnType<CommandLine["command"]>;

/** The flags of `muster sim`, besides the settings. */
export function simFlags(command: Command): Command {
  return command
    .option("--devices <count>", "how many devices", "10")
    .option("--prefix <text>", "what their ids begin with; a number of five digits follows", "sim-")
    .option("--seed <text>", "the same text: the same values and faults", "muster")
    .option("--duration <duration>", "end after this time; without it, Ctrl-C ends it")
    .option("--rate <count>", "connections begun in a second, at most", "500")
    .option("--flap <share>", "devices that drop their connection at random moments, and how often each: 10%/30s")
    .option("--skew <share>", "devices whose clock is wrong: 5%")
    .option("--clone <count>", "devices that exist twice under one id")
    .option("--broker <url>", "a broker on another machine: mqtt://host:1883 or mqtts://host:8883")
    .option(
      "--secret [text]",
      `the devices' secret, where the console's data directory is not at hand: asked for, or - for standard input [${simulatedSecretVariable}]`,
    )
    .option("--secret-file <file>", "the same from a file's first line")
    .option("--enroll", "only make the accounts, and print how to run the devices on another machine");
}

function whole(flag: string, text: string, most: number): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1 && number <= most) return number;
  throw new BadInputError(`${flag} is ${quoted(text)}: expected a whole number from 1 to ${most}`);
}
