import type { CommandLine } from "#shared/commandline";
import { putFile, type PutFlags } from "../cli/files/put-file.ts";
import { signing } from "../cli/sign-command.ts";
import { connect, terminal } from "./compose/connect.ts";
import { signerOf, type SigningFlags } from "./compose/signing-key.ts";

/** `muster put`: a file onto a device. */
export function put(line: CommandLine): void {
  line
    .command(
      "put <device> <file> <path>",
      "put a file onto a device, into a directory that the device allows",
      "client",
    )
    .option("--ttl <duration>", "how long it may wait for a device that is away", "1d")
    .option("--overwrite", "also where there is a file on the device")
    .option("--dry-run", "only say whether it could be put")
    .option("--sign <keyfile>", "sign for the file's SHA-256 with a key that muster keygen has made")
    .option("--passphrase-file <file>", "the passphrase of that key")
    .addHelpText(
      "after",
      "\nWhich directories are allowed is said on the device itself, by MUSTER_PUT_INTO.\n\nExamples:\n  muster put rpi-7 app.conf /etc/app/app.conf --overwrite\n  muster put rpi-7 app.conf /etc/app/",
    )
    .action(
      line.once(async (values, device: string, file: string, path: string, flags: PutFlags & SigningFlags) => {
        const signer = await signerOf(flags);
        process.exitCode = await putFile(
          connect(values),
          { device, file, path },
          flags,
          terminal,
          signer && signing(signer),
        );
      }),
    );
}
