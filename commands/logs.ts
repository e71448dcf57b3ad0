import type { CommandLine } from "#shared/commandline";
import { followLogs, showLogs } from "../cli/show-logs.ts";
import { signing } from "../cli/sign-command.ts";
import { connect, terminal } from "./compose/connect.ts";
import { signerOf, type SigningFlags } from "./compose/signing-key.ts";

interface Flags extends SigningFlags {
  readonly lines: string;
  readonly follow?: boolean;
  readonly timeout?: string;
}

/** `muster logs`: what a device's agent has logged. */
export function logs(line: CommandLine): void {
  line
    .command("logs <device>", "print the newest lines of an agent's log", "client")
    .option("-n, --lines <count>", "how many", "100")
    .option("-f, --follow", "go on with each line that comes, until Ctrl-C or for an hour")
    .option("--timeout <duration>", "how long to wait for an answer (default: 10s), or to follow (default: 1h)")
    .option("--sign <keyfile>", "sign it with a key that muster keygen has made")
    .option("--passphrase-file <file>", "the passphrase of that key")
    .addHelpText("after", "\nExamples:\n  muster logs rpi-7 -n 20\n  muster logs rpi-7 --follow")
    .action(
      line.once(async (values, device: string, flags: Flags) => {
        const client = connect(values);
        const signer = await signerOf(flags);
        const { lines, follow, timeout = follow ? "1h" : "10s" } = flags;
        const asked = { lines, timeout };
        const sign = signer && signing(signer);
        if (!follow) {
          process.exitCode = await showLogs(client, device, asked, terminal, sign);
          return;
        }
        const stop = new AbortController();
        process.once("SIGINT", () => stop.abort());
        process.once("SIGTERM", () => stop.abort());
        process.exitCode = await followLogs(client, device, asked, terminal, stop.signal, sign);
      }),
    );
}
