import type { Client } from "#api/client";
import type { CommandLine } from "#shared/commandline";
import { BadInputError } from "#shared/errors";
import {
  finishDevicesRotation,
  finishRotation,
  importAuthority,
  rotateAuthority,
  rotateDevicesAuthority,
  showDevicesTls,
  showTls,
} from "../cli/show-tls.ts";
import { connect, terminal } from "./compose/connect.ts";

const actions = "status, rotate or import";

interface TlsFlags {
  readonly devices?: boolean;
  readonly finish?: boolean;
  readonly leaveBehind?: boolean;
  readonly cert?: string;
  readonly key?: string;
}

/** `muster tls`: the private authority, and its rotation. */
export function tls(line: CommandLine): void {
  line
    .command("tls [action]", `the private certificate authority: ${actions}`, "client")
    .option("--devices", "the authority of devices' certificates, and not that of servers")
    .option("--finish", "end a rotation: the old authority is trusted no more")
    .option("--leave-behind", "also where agents lack the new one, which cannot connect any more")
    .option("--cert <file>", "with import: the certificate of an authority of your own, as PEM")
    .option("--key <file>", "with import: its private key")
    .action(
      line.once(async (values, action: string | undefined, flags: TlsFlags) => {
        const { devices, cert, key } = flags;
        const client = connect(values);
        switch (action ?? "status") {
          case "status":
            return terminal.out(await (devices ? showDevicesTls(client) : showTls(client)));
          case "rotate":
            return terminal.out(await rotate(client, flags));
          case "import":
            if (devices)
              throw new BadInputError("the authority of devices' certificates is Muster's own: it takes none");
            if (cert === undefined || key === undefined)
              throw new BadInputError("import takes --cert FILE and --key FILE");
            return terminal.out(await importAuthority(client, { cert, key }));
          default:
            throw new BadInputError(`there is no muster tls ${action}: expected ${actions}`);
        }
      }),
    );
}

function rotate(client: Client, { devices, finish, leaveBehind }: TlsFlags): Promise<string> {
  if (devices) return finish ? finishDevicesRotation(client, leaveBehind) : rotateDevicesAuthority(client);
  return finish ? finishRotation(client, leaveBehind) : rotateAuthority(client);
}
