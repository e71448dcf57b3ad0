import { createInterface } from "node:readline";
import { BadInputError } from "#shared/errors";
import type { SecretTerminal } from "#shared/secret-input";

/**
 * Asks before something that cannot be undone, unless `--yes` was given.
 * @throws BadInputError where the answer is not yes, or there is no terminal to ask on
 */
export async function confirm(question: string, yes = false, terminal: SecretTerminal = standard): Promise<void> {
  if (yes) return;
  const { input, output } = terminal;
  if (!input.isTTY) throw new BadInputError(`${question} There is no terminal to ask on: add --yes`);
  const lines = createInterface({ input, output });
  try {
    const answer = await new Promise<string>((resolve) => {
      lines.once("close", () => resolve(""));
      lines.question(`${question} Type yes: `, resolve);
    });
    if (answer.trim().toLowerCase() !== "yes") throw new BadInputError("nothing was changed");
  } finally {
    lines.close();
  }
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
