import { forTerminal } from "#shared/printable";
import { withoutSecrets } from "../support/without-secrets.ts";

/** Lines of what a version that came to nothing has said at last: a stack has some ten. */
export const maxSaidLines = 20;
/** Characters of each of them. */
export const maxSaidLineLength = 300;

/**
 * The last lines of what a version said that came to nothing: text of a stranger until somebody knows why, so each is one line that no terminal obeys, and
 * without what looks like a secret.
 */
export function lastWords(text: string): string[] {
  const lines = text
    .split("\n")
    .map((line) => forTerminal(withoutSecrets(line), maxSaidLineLength).trimEnd())
    .filter((line) => line !== "");
  return lines.slice(-maxSaidLines);
}

/** The one of them that says most: Node's last one names itself, and before it stands where the error was thrown. */
export function tellingLine(lines: readonly string[]): string | undefined {
  const isError = (line: string): boolean => /^(?:Uncaught |muster: )?[\w.]*(?:Error|Exception)\b/.test(line);
  const isOfNode = (line: string): boolean => /^(?:Node\.js v|\s+at )/.test(line);
  return lines.findLast(isError) ?? lines.findLast((line) => !isOfNode(line));
}
