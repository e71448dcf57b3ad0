import type { CommandLine } from "#shared/commandline";
import { addOperator } from "./compose/administer-people.ts";
import { administer } from "./compose/administer.ts";

/** `muster operator`: people's and programs' accounts. */
export function operator(line: CommandLine): void {
  line
    .command(
      "operator <name|list>",
      "give a person or program an account, and print its password once, or list all accounts; without options, an account that exists gets a new password",
      "operator",
    )
    .option(
      "--role <role>",
      "viewer, operator or admin; operator by default. An account that exists keeps its password",
    )
    .option(
      "--group <name>",
      "limit it to the devices of this group, and of those that are named beside; it then has no part in what concerns the whole fleet",
      (name: string, before: readonly string[] | false | undefined) => [...(before || []), name],
    )
    .option("--no-group", "let it reach every device again")
    .option("--password [password]", "instead of a generated one: asked for, or - for standard input")
    .option("--password-file <file>", "the same from a file's first line")
    .option(
      "--mqtt",
      "make a secret for MQTT alone, which an external Mosquitto wants; the account must exist, and stays as it is",
    )
    .option("--no-mqtt", "take the secret for MQTT away")
    .option("--no-second-factor", "take the second factor away: the password is enough again")
    .option("--remove", "take the account away, and end what is open with it")
    .option("--yes", "with --remove: without a question")
    .action(administer(line, addOperator));
}
