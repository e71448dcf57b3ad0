import type { CommandLine } from "#shared/commandline";
import { configure, type ConfigFlags } from "../cli/configure.ts";
import { signing } from "../cli/sign-command.ts";
import { connect, terminal } from "./compose/connect.ts";
import { signerOf, type SigningFlags } from "./compose/signing-key.ts";

/** `muster config`: settings of agents, from afar. */
export function config(line: CommandLine): void {
  line
    .command("config [words...]", "show and change the settings of agents from afar", "client")
    .usage(
      "[options]                        who has settings from here, and who differs\n       muster config [options] DEVICE [show|edit|history|apply]\n       muster config [options] DEVICE set KEY=VALUE... | unset KEY...\n       muster config [options] --group GROUP|--default [show|edit|history|set …|unset …]",
    )
    .option("--group <group>", "those of the devices in a group; a device's own come before them")
    .option("--default", "those of all devices; a group's and a device's own come before them")
    .option("--sign <keyfile>", "with apply: sign it, for devices that take no command without")
    .option("--passphrase-file <file>", "the passphrase of that key")
    .option("--json", "print documents")
    .addHelpText(
      "after",
      "\nExamples:\n  muster config rpi-7\n  muster config rpi-7 set interval=5s tags=site=berlin,floor=2\n  muster config rpi-7 set mqtt-url=mqtts://new.example:8883 ca=@/etc/new-ca.pem\n  muster config rpi-7 unset interval\n  muster config --group lab edit\n\nedit opens $VISUAL or $EDITOR with TOML. A value that begins with @ is read from a file.",
    )
    .action(
      line.once(async (values, words: readonly string[], flags: ConfigFlags & SigningFlags) => {
        const signer = await signerOf(flags);
        process.exitCode = await configure(connect(values), words, flags, terminal, signer && signing(signer));
      }),
    );
}
