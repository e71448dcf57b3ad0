import { basename } from "node:path";
import type { CommandLine } from "#shared/commandline";
import { fetchFile, type FetchFlags } from "../cli/files/fetch-file.ts";
import { signing } from "../cli/sign-command.ts";
import { connect, terminal } from "./compose/connect.ts";
import { signerOf, type SigningFlags } from "./compose/signing-key.ts";

/** `muster fetch`: a file of a device. */
export function fetch(line: CommandLine): void {
  line
    .command(
      "fetch <device> <path> [file]",
      "fetch a file of a device, from a directory that the device allows",
      "client",
    )
    .option("--ttl <duration>", "how long it may wait for a device that is away", "1d")
    .option("--id <command>", "go on with one that was begun before")
    .option("--overwrite", "also where there is a file of this name here")
    .option("--dry-run", "only say whether it could be fetched, and its size")
    .option("--sign <keyfile>", "sign it with a key that muster keygen has made")
    .option("--passphrase-file <file>", "the passphrase of that key")
    .addHelpText(
      "after",
      "\nWhich directories are allowed is said on the device itself, by MUSTER_FETCH_FROM.\n\nExamples:\n  muster fetch rpi-7 /var/log/app.log\n  muster fetch rpi-7 /var/log/app.log today.log --ttl 7d",
    )
    .action(
      line.once(
        async (values, device: string, path: string, file: string | undefined, flags: FetchFlags & SigningFlags) => {
          const signer = await signerOf(flags);
          const what = { device, path, file: file ?? basename(path) };
          process.exitCode = await fetchFile(connect(values), what, flags, terminal, signer && signing(signer));
        },
      ),
    );
}
