import { BadInputError, EnvironmentError } from "#shared/errors";
import { asDeviceId } from "#shared/ids";
import { forTerminal } from "#shared/printable";
import { installName, payloadFiles } from "../payload.ts";
import { machineKindOf, type MachineKind } from "../machine-kinds.ts";
import type { RemoteMachine, SshHost } from "./ssh-host.ts";

/** What flashing asks of the world around it. */
export interface Supplies {
  readonly agent: Buffer;
  /** @returns undefined where none is to be carried */
  readonly nodeFor: (kind: MachineKind) => Promise<Buffer | undefined>;
  /** A code by which a device of this name joins. */
  readonly codeFor: (device: string) => Promise<string>;
  readonly settings: Buffer | undefined;
  readonly now: () => number;
  /** Of gzip; see `Payload`. */
  readonly level?: number | undefined;
  /** Waits until the console sees the device in another connection than before. @returns whether it does */
  readonly session: (device: string) => Promise<string | undefined>;
  readonly seen: (device: string, before: string | undefined) => Promise<boolean>;
}

export interface HostFlags {
  /** For one machine; otherwise each is called as it calls itself. */
  readonly device?: string | undefined;
  readonly dir?: string | undefined;
  readonly service: boolean;
  readonly dryRun: boolean;
  readonly undo: boolean;
}

/** Kilobytes that Node and the agent take. */
const room = 160_000;
/** Seconds by which a clock may differ. */
const clockTold = 300;

/** Installs an agent over ssh, or anew where one is; or takes it away. @returns what became of it, for a table @throws what hindered it */
export async function flashHost(
  host: SshHost,
  flags: HostFlags,
  supplies: Supplies,
  say: (line: string) => void,
): Promise<{ device: string; what: string }> {
  const machine = await host.look(flags.dir);
  const directory =
    flags.dir ?? (machine.root || machine.sudo ? "/var/lib/muster-agent" : `${machine.home}/.muster-agent`);
  const device = machine.device ?? flags.device ?? machine.name.toLowerCase();
  if (asDeviceId(device) === undefined)
    throw new BadInputError(`${forTerminal(device, 80)} is no name for a device: give one with --device`);
  const sudo = machine.sudo && !machine.root && flags.dir === undefined;
  const place = { directory, service: flags.service && (machine.root || sudo) };
  if (flags.undo) return remove(host, { device, sudo, ...place }, flags, supplies);
  if (machine.device !== undefined && flags.device !== undefined && machine.device !== flags.device)
    throw new BadInputError(
      `${host.host} is ${machine.device} already: take it away first (--undo), or leave --device out`,
    );
  const runtime = machine.node ? undefined : await supplies.nodeFor(machineKindOf(machine.kind));
  check(host, machine, runtime);
  const behind = Math.round(supplies.now() / 1_000) - machine.clock;
  if (Math.abs(behind) > clockTold)
    say(
      `${host.host}: its clock is ${Math.abs(behind)} s ${behind > 0 ? "behind" : "ahead"}${behind > 0 && (machine.root || sudo) ? ", and is set" : ": set it, or certificates are refused"}`,
    );
  const upgrade = machine.device !== undefined;
  say(
    `${host.host}: ${machine.kind}, ${runtime ? "with a Node that is carried there" : "with its own Node"}, in ${directory}${place.service ? "" : ", without a service"}`,
  );
  if (flags.dryRun) return { device, what: upgrade ? "would be upgraded" : "would be installed" };
  const payload = {
    agent: supplies.agent,
    runtimes: runtime ? [{ kind: machineKindOf(machine.kind), node: runtime }] : [],
    code: upgrade ? undefined : await supplies.codeFor(device),
    settings: supplies.settings,
    now: supplies.now(),
    level: supplies.level,
    ...place,
  };
  const before = await supplies.session(device);
  const said = await host.runFrom(payloadFiles(payload), installName, { words: "", sudo });
  for (const line of said.trim().split("\n")) say(`${host.host}: ${forTerminal(line, 400)}`);
  if (await supplies.seen(device, before)) return { device, what: upgrade ? "upgraded, online" : "installed, online" };
  throw new EnvironmentError(
    `${host.host}: ${device} is installed, and the console does not see it: look there at ${place.service ? "journalctl -u muster-agent" : `${directory}/agent.log`}`,
  );
}

function check(host: SshHost, machine: RemoteMachine, runtime: Buffer | undefined): void {
  if (!machine.node && !runtime)
    throw new EnvironmentError(
      `${host.host} has no Node 18.19 or newer: leave --no-runtime out, and one is carried there`,
    );
  if (machine.free < room)
    throw new EnvironmentError(
      `${host.host} has ${Math.round(machine.free / 1_000)} MB free: expected ${room / 1_000}`,
    );
}

async function remove(
  host: SshHost,
  { device, sudo, directory, service }: { device: string; sudo: boolean; directory: string; service: boolean },
  { dryRun }: HostFlags,
  { agent, now }: Supplies,
): Promise<{ device: string; what: string }> {
  if (dryRun) return { device, what: "would be removed" };
  const files = payloadFiles({ agent, runtimes: [], directory, service, now: now() });
  await host.runFrom(files, installName, { words: "--remove", sudo });
  return { device, what: `removed; at the console: muster device ${device} --remove` };
}
