import type { CommandLine } from "#shared/commandline";
import { BadInputError } from "#shared/errors";
import type { JobOrder } from "#api/job-routes";
import { agreeing } from "../cli/agree-to-targets.ts";
import { signJob } from "../cli/sign-command.ts";
import { isToMany, manyOptions, sendToMany, type ManyFlags } from "../cli/send-to-many.ts";
import { sendCommand as sendToOne } from "../cli/send-command.ts";
import { signing } from "../cli/sign-command.ts";
import { connect, terminal } from "./compose/connect.ts";
import { signerOf, type SigningFlags } from "./compose/signing-key.ts";

interface Flags extends ManyFlags, SigningFlags {
  readonly from?: string;
  readonly downgrade?: boolean;
  readonly dryRun?: boolean;
  readonly undo?: boolean;
  readonly yes?: boolean;
}

/** Milliseconds in which a device has to have fetched the file, proven itself, and answered, in words of the command line. */
const patience = "15m";

/** How long a look at many devices waits for those that are away: whoever only asks is answered soon. */
const lookingAround = "5s";

/** `muster update`: brings devices to the release that the console holds. */
export function update(line: CommandLine): void {
  manyOptions(
    line.command("update [device]", "update agents to the release that muster release sign has made", "client"),
  )
    .usage("[options] DEVICE\n       muster update [options] --all|--group GROUP|--where CONDITIONS")
    .option("--from <url>", "from there, and not from the console: where manifest.json and the files are")
    .option("--downgrade", "also to an older release than the one that runs")
    .option(
      "--dry-run",
      `look whether it could be done, and change nothing; of many, who is away is left out after ${lookingAround} (--ttl)`,
    )
    .option("--undo", "go back to the version before the last update, within a day of it")
    .option("--timeout <duration>", `how long a device may take (default: ${patience})`)
    .option("--ttl <duration>", "let it wait this long for a device that is offline")
    .option(
      "--sign <keyfile>",
      "sign it with a key that muster keygen has made: for devices that take no command without",
    )
    .option("--passphrase-file <file>", "the passphrase of that key")
    .option("--yes", "with --where and --sign: sign for the devices that fit, without a question")
    .option("--json", "print the command's document")
    .addHelpText(
      "after",
      "\nExamples:\n  muster update rpi-7\n  muster update --all --dry-run\n  muster update --group lab --canary 1 --rate 10/min --gate 'mem.used_percent < 80 and cpu.usage_idle > 20 for 5m'",
    )
    .action(
      line.once(async (values, device: string | undefined, flags: Flags) => {
        const client = connect(values);
        const signer = await signerOf(flags);
        const timeout = flags.timeout ?? patience;
        const [key = "", ...words] = wordsOf(flags);
        if (isToMany(flags)) {
          if (device !== undefined) throw new BadInputError(`one device (${device}) or many: not both`);
          const sign = signer && ((order: JobOrder) => signJob(signer, client, order, agreeing(terminal, flags.yes)));
          const ttl = flags.ttl ?? (flags.dryRun ? lookingAround : undefined);
          const many = { ...flags, timeout, arg: words, ...(ttl === undefined ? {} : { ttl }) };
          process.exitCode = await sendToMany(client, [key], many, terminal, sign);
          return;
        }
        if (device === undefined) throw new BadInputError("expected a device, or --all, --group or --where");
        const one = { arg: words, timeout, ...(flags.ttl ? { ttl: flags.ttl } : {}), json: flags.json ?? false };
        process.exitCode = await sendToOne(client, device, key, one, terminal, signer && signing(signer));
      }),
    );
}

/** The command's key, and its arguments as `--arg` takes them. */
function wordsOf({ from, downgrade, dryRun, undo }: Flags): string[] {
  if (undo) return ["update-undo"];
  return [
    "update",
    ...(from === undefined ? [] : [`url=${from}`]),
    ...(downgrade ? ["downgrade=true"] : []),
    ...(dryRun ? ["dryRun=true"] : []),
  ];
}
