import type { CommandLine } from "#shared/commandline";
import { removeDevice, type DeviceFlags } from "./compose/administer-devices.ts";
import { administer } from "./compose/administer.ts";
import { connect, terminal } from "./compose/connect.ts";

interface Flags extends DeviceFlags {
  readonly rotateSecret?: boolean;
}

/** `muster device`: takes a device away, or has it change its secret. */
export function device(line: CommandLine): void {
  const remove = administer(line, removeDevice);
  const rotate = line.once(async (values, name: string) => {
    await connect(values).rotateSecret(name);
    terminal.out(`${name} has made itself another secret; the old one ends as soon as it has come in with that`);
  });
  line
    .command("device <name>", "take a device away, end its certificate, or have it change its secret", "device")
    .option("--remove", "its account, connections, open commands, groups and all that is known of it; its samples stay")
    .option("--revoke", "end its certificate, and at once what it has open with it")
    .option("--yes", "without a question")
    .option("--rotate-secret", "have a device that has joined make itself another secret; no sample is lost")
    .action((...parameters: unknown[]) =>
      (parameters[1] as Flags).rotateSecret ? rotate(...parameters) : remove(...parameters),
    );
}
