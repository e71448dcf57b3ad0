import { hostname, userInfo } from "node:os";
import type { CommandLine } from "#shared/commandline";
import { BadInputError } from "#shared/errors";
import { forTerminal } from "#shared/printable";
import { secretFrom } from "#shared/secret-input";
import { maxKeyCommentLength } from "#shared/signing/public-key";
import { terminal } from "./compose/connect.ts";
import { makeKey } from "./compose/signing-key.ts";

interface Flags {
  readonly out: string;
  readonly name?: string;
  readonly passphrase?: string | true;
  readonly passphraseFile?: string;
}

/** `muster keygen`: a key by which a person signs commands. */
export function keygen(line: CommandLine): void {
  line
    .command("keygen", "make a key to sign commands with, and print the line to pin on devices", "keygen")
    .option("--out <file>", "where the private key goes; the line to pin goes beside it, into FILE.pub", "muster.key")
    .option("--name <words>", "whose it is, behind the public key (default: your name at this machine)")
    .option("--passphrase [-]", "lock it with a passphrase: asked for, or - for standard input")
    .option("--passphrase-file <file>", "the same from a file")
    .action(
      line.once(async (_values, { out, name, passphrase, passphraseFile }: Flags) => {
        const given = { flag: "--passphrase", value: passphrase, file: passphraseFile };
        const made = makeKey(out, parseName(name ?? `${userInfo().username}@${hostname()}`), await secretFrom(given));
        terminal.err(
          `${forTerminal(
            `the private key is in ${out}, for you alone: keep a copy where nobody else gets at it. Pin this line on the devices (MUSTER_SIGNERS); signatures name it as ${made.id}:`,
            1_000,
          )}\n`,
        );
        terminal.out(made.line);
      }),
    );
}

function parseName(words: string): string {
  const name = words.trim();
  if (name.length > 0 && name.length <= maxKeyCommentLength && !/[,\p{C}]/u.test(name)) return name;
  throw new BadInputError(
    `--name is not usable: expected 1 to ${maxKeyCommentLength} characters, none of them a comma`,
  );
}
