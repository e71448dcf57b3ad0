import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { asError } from "#shared/errors";
import { Running } from "./programs.ts";
import { asRoot } from "./small-disk.ts";
import type { Scope } from "./suite.ts";

/** A network of its own, with nothing but loopback in it, and maybe a cable to this machine. */
export interface FarNetwork {
  /** The other end of the cable, by IPv4. */
  readonly there: string;
  /** `ip`, within it. */
  readonly ip: (...words: readonly string[]) => void;
  /** What runs a program in it. */
  readonly within: readonly string[];
}

/**
 * Large packets of this machine vanish on the cable, and nobody says so: the other end takes no packet of more than {@link holeMtu} bytes, though it
 * says that it does.
 */
export const holeMtu = 600;

/** Its network's name has the process in it, and how many it has made: tests run beside each other. */
let made = 0;

/** @throws Error where it cannot be made: a test of a network that is not there must not count as passed */
export function farNetwork(scope: Scope): FarNetwork {
  made += 1;
  const name = `muster-far-${process.pid}-${made}`;
  const [outer, inner] = [`mfh${process.pid}-${made}`, `mfg${process.pid}-${made}`];
  // Of TEST-NET-3 (RFC 5737), in which nobody lives.
  const first = ((process.pid + made) % 64) * 4;
  const [here, there] = [`203.0.113.${first + 1}`, `203.0.113.${first + 2}`];
  const ip = (...words: readonly string[]): void => asRoot("ip", "-n", name, ...words);
  try {
    asRoot("ip", "netns", "add", name);
    scope.cleanup(() => asRoot("ip", "netns", "del", name));
    asRoot("ip", "link", "add", outer, "type", "veth", "peer", "name", inner, "netns", name);
    asRoot("ip", "addr", "add", `${here}/30`, "dev", outer);
    // Else packets are put together again before they come to the cable.
    asRoot("ip", "link", "set", outer, "gso_max_segs", "1", "up");
    ip("addr", "add", `${there}/30`, "dev", inner);
    for (const device of [inner, "lo"]) ip("link", "set", device, "up");
    ip("link", "set", inner, "mtu", String(holeMtu));
    ip("route", "replace", `203.0.113.${first}/30`, "dev", inner, "advmss", "1460");
  } catch (cause) {
    throw new Error(
      `no network can be made here: expected root or sudo that may make network namespaces; ${asError(cause).message}`,
      { cause },
    );
  }
  const sudo = process.getuid?.() === 0 ? [] : ["sudo", "-n"];
  return { there, ip, within: [...sudo, "ip", "netns", "exec", name] };
}

/** A Mosquitto in it, which lets everybody in and says who. */
export async function farBroker(scope: Scope, { within }: FarNetwork, address: string, port: number): Promise<Running> {
  const conf = join(await scope.directory(), "mosquitto.conf");
  await writeFile(
    conf,
    `listener ${port} ${address}\nallow_anonymous true\nlog_dest stderr\nlog_type all\nuser root\n`,
  );
  const [program = "", ...args] = within;
  const broker = new Running(scope, program, [...args, "mosquitto", "-c", conf]);
  await broker.line(/mosquitto version .* running/);
  return broker;
}
