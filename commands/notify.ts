import { readFileSync } from "node:fs";
import type { CommandLine } from "#shared/commandline";
import { secretFrom } from "#shared/secret-input";
import { notifyVerb, type NotifyFlags, type ReadSetting } from "../cli/notify-verb.ts";
import { connect, terminal } from "./compose/connect.ts";

/** `muster notify`: by which ways people hear of alerts. */
export function notify(line: CommandLine): void {
  line
    .command(
      "notify [words...]",
      "by which ways people hear of alerts: e-mail, ntfy, Slack, webhooks and more",
      "client",
    )
    .usage(
      "[list]\n       muster notify kinds\n       muster notify add NAME KIND [setting=value...] [--off] [--no-default]\n       muster notify set NAME [setting=value...] [--off|--no-off]\n       muster notify test|remove NAME\n       muster notify deliveries [--channel NAME] [--state STATE]\n       muster notify browsers [test|remove ID]",
    )
    .option("--off", "nothing goes by it for now")
    .option("--no-off", "on again")
    .option("--default", "for each alert whose rule names no channel (the default)")
    .option("--no-default", "only for the rules that name it")
    .option("--channel <name>", "deliveries by this one")
    .option("--state <state>", "deliveries that are waiting, delivered or failed")
    .option("--alert <id>", "deliveries of this alert")
    .option("--json", "print the API's documents")
    .addHelpText(
      "after",
      "\nExamples:\n  muster notify add ops slack url=- < webhook-url\n  muster notify add mail email host=mail.example.com user=muster password=@/run/secrets/mail from=muster@example.com to=ops@example.com\n  muster notify test mail",
    )
    .action(
      line.once(async (values, words: readonly string[], flags: NotifyFlags) =>
        terminal.out(await notifyVerb(connect(values), words, flags, { now: Date.now(), read: readSetting })),
      ),
    );
}

/** A line of standard input or of a file; of what has several lines, the whole file. */
const readSetting: ReadSetting = async (field, from, isLine) => {
  if (!isLine) return readFileSync(from === "-" ? 0 : from.slice(1), "utf8");
  const where = from === "-" ? { value: from } : { value: undefined, file: from.slice(1) };
  return (await secretFrom({ flag: field, ...where })) ?? "";
};
