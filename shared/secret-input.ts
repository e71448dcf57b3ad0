import { closeSync, openSync } from "node:fs";
import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { readBounded } from "#shared/bounded-read";
import { asError, BadInputError, errorCode } from "#shared/errors";

/** A secret as a command line names it: the value itself, `-` for standard input, `true` for "ask me". */
export interface GivenSecret {
  readonly flag: string;
  readonly value: string | true | undefined;
  readonly file?: string | undefined;
  /** It is there already: asked for once, since a slip shows by itself. */
  readonly known?: boolean;
}

export interface SecretTerminal {
  readonly input: NodeJS.ReadStream;
  /** Where the question and warnings go: not to the output that somebody keeps. */
  readonly output: NodeJS.WriteStream;
}

/** Characters of a line of standard input or of a file that may be a secret. */
export const maxSecretInputLength = 4_096;
/** Bytes that are read of a file for its first line: what comes behind that is nothing to Muster, and a device never ends. */
const maxSecretBytes = 16 * maxSecretInputLength;

/**
 * Fetches a secret without it standing on the command line, where every user of the machine can read it as long as the program
 * runs; there it is still taken, with a warning.
 * @returns undefined where none was named
 * @throws BadInputError where there is none, or no terminal to ask on
 */
export async function secretFrom(given: GivenSecret, terminal: SecretTerminal = standard): Promise<string | undefined> {
  const { flag, value, file, known = false } = given;
  if (value !== undefined && file !== undefined)
    throw new BadInputError(`${flag} and ${flag}-file were both given: expected one of them`);
  if (file !== undefined) return firstLine(readSecretFile(file), file);
  if (value === undefined) return undefined;
  if (value === "-") return firstLine(await readAll(terminal.input), "standard input");
  if (value === true) return ask(flag, terminal, known);
  terminal.output.write(exposed(flag, `${flag} - reads it from standard input, ${flag}-file FILE from a file`));
  return value;
}

/** The first line of a file, as the secret that it holds. @throws BadInputError */
export function secretInFile(path: string): string {
  return firstLine(readSecretFile(path), path);
}

/** The warning about a secret on a command line. */
export function exposed(flag: string, instead: string): string {
  return `muster: ${flag} stands on the command line, where other users of this machine can read it: ${instead}\n`;
}

/** Opened when somebody is asked: by then it is a terminal's line editor, or a file's reader, that an agent has no use for. */
const standard: SecretTerminal = {
  get input() {
    return process.stdin;
  },
  get output() {
    return process.stderr;
  },
};

async function ask(flag: string, { input, output }: SecretTerminal, known: boolean): Promise<string> {
  if (!input.isTTY)
    throw new BadInputError(
      `there is no terminal to ask on: expected ${flag} - with the secret on standard input, or ${flag}-file FILE`,
    );
  // The line's editor echoes to where its output goes: nowhere. It is there before the question is, and until both are answered.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input, output: nowhere, terminal: true });
  const hidden = (question: string): Promise<string> => {
    output.write(question);
    return new Promise((resolve, reject) => {
      const end = (): void => reject(new BadInputError("no password was given: nothing was changed"));
      lines.once("line", resolve).once("SIGINT", end).once("close", end);
    });
  };
  try {
    const first = await hidden(flag === "--passphrase" ? "Passphrase: " : "Password: ");
    if (!known && (await hidden("\nOnce more: ")) !== first)
      throw new BadInputError("the two are not the same: nothing was changed");
    return first;
  } finally {
    lines.close();
    output.write("\n");
  }
}

async function readAll(input: NodeJS.ReadStream): Promise<string> {
  let text = "";
  for await (const chunk of input.setEncoding("utf8")) {
    text += String(chunk);
    if (text.length > maxSecretInputLength || text.includes("\n")) break;
  }
  return text;
}

function readSecretFile(path: string): string {
  let file: number | undefined;
  try {
    // A pipe is taken, and waited for: `--secret-file <(pass show muster)`.
    file = openSync(path, "r");
    return readBounded(file, maxSecretBytes).toString("utf8");
  } catch (cause) {
    throw new BadInputError(`cannot read the secret in ${path}: ${readingFailed(cause)}`);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** In place of the cause itself, whose words name the file once more. */
function readingFailed(cause: unknown): string {
  return errorCode(cause) === "ENOENT" ? "there is no such file" : asError(cause).message;
}

function firstLine(text: string, where: string): string {
  const line = text.split(/\r?\n/, 1)[0] ?? "";
  if (line === "") throw new BadInputError(`there is no secret in the first line of ${where}`);
  if (line.length > maxSecretInputLength)
    throw new BadInputError(
      `the first line of ${where} is too long for a secret: expected at most ${maxSecretInputLength} characters`,
    );
  return line;
}
