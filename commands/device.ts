import type { CommandLine } from "#shared/commandline";
import { removeDevice, type DeviceFlags } from "./compose/administer-devices.ts";
import { administer } from "./compose/administer.ts";
import { signing } from "../cli/sign-command.ts";
import { connect, terminal } from "./compose/connect.ts";
import { signerOf, type SigningFlags } from "./compose/signing-key.ts";

/** Milliseconds in which the device has to have done it. */
const rotationTime = 5_000;

interface Flags extends DeviceFlags, SigningFlags {
  readonly rotateSecret?: boolean;
}

/** `muster device`: takes a device away, or has it change its secret. */
export function device(line: CommandLine): void {
  const remove = administer(line, removeDevice);
  const rotate = line.once(async (values, name: string, flags: Flags) => {
    const client = connect(values);
    const signer = await signerOf(flags);
    const signed = signer && signing(signer)({ key: "rotate-secret", timeout: rotationTime }, name);
    await client.rotateSecret(name, signed ? { id: signed.id, signature: signed.signature } : {});
    terminal.out(`${name} has made itself another secret; the old one ends as soon as it has come in with that`);
  });
  line
    .command("device <name>", "take a device away, end its certificate, or have it change its secret", "device")
    .option("--remove", "its account, connections, open commands, groups and all that is known of it; its samples stay")
    .option("--revoke", "end its certificate, and at once what it has open with it")
    .option("--yes", "without a question")
    .option("--rotate-secret", "have a device that has joined make itself another secret; no sample is lost")
    .option("--sign <keyfile>", "with --rotate-secret: sign it, for a device that takes no command without")
    .option("--passphrase-file <file>", "the passphrase of that key")
    .action((...parameters: unknown[]) =>
      (parameters[1] as Flags).rotateSecret ? rotate(...parameters) : remove(...parameters),
    );
}
