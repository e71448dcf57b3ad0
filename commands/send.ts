import type { CommandLine } from "#shared/commandline";
import { BadInputError } from "#shared/errors";
import { isToMany, manyOptions, sendToMany, type ManyFlags } from "../cli/send-to-many.ts";
import { sendCommand as sendToOne, type SendFlags } from "../cli/send-command.ts";
import type { JobOrder } from "#api/job-routes";
import { agreeing } from "../cli/agree-to-targets.ts";
import { signing, signJob } from "../cli/sign-command.ts";
import { connect, terminal } from "./compose/connect.ts";
import { signerOf, type SigningFlags } from "./compose/signing-key.ts";

/** `muster send`: a command to one device, or a job of them to many. */
export function send(line: CommandLine): void {
  manyOptions(
    line.command(
      "send <device> [key]",
      "send a command and await its end; exit status 0 only when it succeeded",
      "client",
    ),
  )
    .usage("[options] DEVICE KEY\n       muster send [options] --all|--group GROUP|--where CONDITIONS KEY")
    .option("--arg <name=value>", "an argument; may be given several times", (pair: string, all?: string[]) => [
      ...(all ?? []),
      pair,
    ])
    .option(
      "--timeout <duration>",
      "how long to wait for the end, after which a command without --ttl is withdrawn (default: 5s; to many: as long as it takes)",
    )
    .option("--ttl <duration>", "let it wait this long for a device that is offline")
    .option(
      "--sign <keyfile>",
      "sign it with a key that muster keygen has made: for devices that take no command without",
    )
    .option("--passphrase-file <file>", "the passphrase of that key; asked for, where it has one and none is given")
    .option("--yes", "with --where and --sign: sign for the devices that fit, without a question")
    .option("--json", "print the command's document")
    .addHelpText(
      "after",
      "\nExamples:\n  muster send rpi-7 ping\n  muster send rpi-7 set-interval --arg seconds=5\n  muster send rpi-7 report --ttl 1h --timeout 1m\n  muster send --all ping\n  muster send --where os=linux,online=true report --rate 5 --canary 2 --abort failed=20%,min=5",
    )
    .action(
      line.once(
        async (
          values,
          device: string,
          key: string | undefined,
          flags: Omit<SendFlags, "timeout"> & ManyFlags & SigningFlags & { readonly yes?: boolean },
        ) => {
          const client = connect(values);
          const signer = await signerOf(flags);
          if (isToMany(flags)) {
            const agree = agreeing(terminal, flags.yes);
            const sign = signer && ((order: JobOrder) => signJob(signer, client, order, agree));
            const words = key === undefined ? [device] : [device, key];
            process.exitCode = await sendToMany(client, words, flags, terminal, sign);
            return;
          }
          if (key === undefined) throw new BadInputError(`no key: expected muster send ${device} KEY, such as ping`);
          const patient = { ...flags, timeout: flags.timeout ?? "5s" };
          process.exitCode = await sendToOne(client, device, key, patient, terminal, signer && signing(signer));
        },
      ),
    );
}
