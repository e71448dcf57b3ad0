import type { CommandLine } from "#shared/commandline";
import { fields, type FieldFlags } from "../cli/show-fields.ts";
import { connect, terminal } from "./compose/connect.ts";

/** `muster field`: what devices see differently. */
export function field(line: CommandLine): void {
  line
    .command("field [name]", "list fields that devices see differently, or settle what one is", "client")
    .option("--type <type>", "float, integer, string or boolean: what is held and fits is stored, the rest let go")
    .option("--json", "print the API's documents")
    .action(
      line.once(async (values, name: string | undefined, flags: FieldFlags) =>
        terminal.out(await fields(connect(values), name, flags, Date.now())),
      ),
    );
}
