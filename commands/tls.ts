import type { CommandLine } from "#shared/commandline";
import { BadInputError } from "#shared/errors";
import { finishRotation, importAuthority, rotateAuthority, showTls } from "../cli/show-tls.ts";
import { connect, terminal } from "./compose/connect.ts";

const actions = "status, rotate or import";

interface TlsFlags {
  readonly finish?: boolean;
  readonly leaveBehind?: boolean;
  readonly cert?: string;
  readonly key?: string;
}

/** `muster tls`: the private authority, and its rotation. */
export function tls(line: CommandLine): void {
  line
    .command("tls [action]", `the private certificate authority: ${actions}`, "client")
    .option("--finish", "end a rotation: the old authority is trusted no more")
    .option("--leave-behind", "also where agents lack the new one, which cannot connect any more")
    .option("--cert <file>", "with import: the certificate of an authority of your own, as PEM")
    .option("--key <file>", "with import: its private key")
    .action(
      line.once(async (values, action: string | undefined, { finish, leaveBehind, cert, key }: TlsFlags) => {
        const client = connect(values);
        switch (action ?? "status") {
          case "status":
            return terminal.out(await showTls(client));
          case "rotate":
            return terminal.out(await (finish ? finishRotation(client, leaveBehind) : rotateAuthority(client)));
          case "import":
            if (cert === undefined || key === undefined)
              throw new BadInputError("import takes --cert FILE and --key FILE");
            return terminal.out(await importAuthority(client, { cert, key }));
          default:
            throw new BadInputError(`there is no muster tls ${action}: expected ${actions}`);
        }
      }),
    );
}
