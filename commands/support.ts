import { writeFile } from "node:fs/promises";
import type { CommandLine } from "#shared/commandline";
import { asError, EnvironmentError } from "#shared/errors";
import { forTerminal } from "#shared/printable";
import { askDevice } from "../cli/show-logs.ts";
import { signing } from "../cli/sign-command.ts";
import { asJson } from "../cli/text-table.ts";
import { connect, terminal } from "./compose/connect.ts";
import { signerOf, type SigningFlags } from "./compose/signing-key.ts";

interface Flags extends SigningFlags {
  readonly timeout: string;
}

/** `muster support`: what the console and a device know that helps to find a fault. */
export function support(line: CommandLine): void {
  line
    .command(
      "support <device> [file]",
      "gather what helps to find a device's fault, without secrets, as JSON",
      "client",
    )
    .option("--timeout <duration>", "how long to wait for the device", "10s")
    .option("--sign <keyfile>", "sign it with a key that muster keygen has made")
    .option("--passphrase-file <file>", "the passphrase of that key")
    .addHelpText("after", "\nExamples:\n  muster support rpi-7 rpi-7.json\n  muster support rpi-7 | less")
    .action(
      line.once(async (values, device: string, file: string | undefined, flags: Flags) => {
        const client = connect(values);
        const signer = await signerOf(flags);
        const { timeout } = flags;
        const known = await client.getDevice(device);
        // What the console knows helps above all where the device does not answer.
        const asked = askDevice(client, device, "support", { timeout }, terminal, signer && signing(signer));
        const agent = await asked.catch((thrown: unknown) => terminal.err(`${forTerminal(asError(thrown).message)}\n`));
        const bundle = asJson({ made: new Date().toISOString(), console: known, agent: agent ?? null });
        if (!agent) process.exitCode = 1;
        if (file === undefined) return terminal.out(bundle);
        await writeFile(file, `${bundle}\n`, { mode: 0o600 }).catch((thrown: unknown) => {
          throw new EnvironmentError(`${file} cannot be written: ${asError(thrown).message}`, { cause: thrown });
        });
        terminal.out(`${file} has what is known of ${device}`);
      }),
    );
}
