import type { CommandLine } from "#shared/commandline";
import { BadInputError } from "#shared/errors";
import { quoted } from "#shared/printable";
import { createToken, listTokens, revokeToken, type TokenFlags } from "../cli/manage-tokens.ts";
import { connect, terminal } from "./compose/connect.ts";

/** `muster token`: bearer tokens of programs. */
export function token(line: CommandLine): void {
  line
    .command(
      "token <create|list|revoke> [name-or-id]",
      "make a token for a program, whose secret is printed once; list them; revoke one",
      "client",
    )
    .option("--role <role>", "viewer, operator or admin, not above yours; yours by default")
    .option(
      "--group <name>",
      "limit it to the devices of this group, and of those that are named beside",
      (name: string, before: readonly string[] | undefined) => [...(before ?? []), name],
    )
    .option("--ttl <time>", "how long it is good for; 90d by default")
    .option("--account <name>", "whose it is to be, for administrators; yours by default")
    .option("--json", "print the API's documents")
    .action(
      line.once(async (values, act: string, what: string | undefined, flags: TokenFlags) => {
        const client = connect(values);
        const acts: Readonly<Record<string, () => Promise<string>>> = {
          create: () => createToken(client, what, flags),
          list: () => listTokens(client, flags, Date.now()),
          revoke: () => revokeToken(client, what),
        };
        const chosen = Object.hasOwn(acts, act) ? acts[act] : undefined;
        if (!chosen) throw new BadInputError(`expected create, list or revoke, not ${quoted(act)}`);
        terminal.out(await chosen());
      }),
    );
}
