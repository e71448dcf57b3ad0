/**
 * The two doors for text that a stranger chose: to a terminal (or a log), and to a line that somebody pastes into a shell.
 *
 * A terminal obeys what it prints: an escape recolours, retitles, types into the shell; a carriage return or a newline draws a
 * row that nobody sent; bidi controls, zero-width characters and U+2028 show another text than the one that is there. So
 * everything of Unicode's classes Cc (C0, DEL, C1), Cf (bidi, zero-width, joiners, tags), Zl, Zp and Cs (a surrogate without its
 * other half) is replaced. Joiners of some scripts and of emoji are among them: text on a terminal loses their ligatures.
 */
const unsafe = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u2060-\u206f]/gu;
/** Runs of blanks: a cell full of them imitates the next columns, or wraps into a row of its own. */
const blanks = /[\t\p{Zs}\u2800\u3164]{2,}|\t/gu;

/** Nothing of either: a line of printable ASCII, as nearly all are. Each of its characters can be matched in one way only, or it took for ever. */
const plain = /^ ?(?:[\x21-\x7e]+ )*[\x21-\x7e]*$/;

/** Characters of one line that reach a terminal or a log: a sentence of ours with a device's whole `text` (2,000) fits. */
export const maxLineLength = 4_000;
/** Characters of text in several lines: more than a command's output may have. */
export const maxBlockLength = 131_072;

/**
 * Text as one line: safe to print, and no row but its own. What is replaced can be seen: `↵` for an end of line, `�` for the rest.
 * @param most characters kept; what is cut is counted
 */
export function forTerminal(text: string, most = maxLineLength): string {
  if (text.length <= most && plain.test(text)) return text;
  return cut(text, most)
    .replaceAll(/\r\n|[\n\u2028\u2029]/g, "↵")
    .replaceAll(blanks, " ")
    .replaceAll(unsafe, "�");
}

/**
 * Text in several lines, such as a command's output: ends of lines and tabs stay.
 * @param prefix what begins every line, so that none of them can pass for a line of ours
 */
export function forTerminalBlock(text: string, prefix = "", most = maxBlockLength): string {
  return cut(text, most)
    .replaceAll("\r\n", "\n")
    .split("\n")
    .map((line) => prefix + line.replaceAll(unsafe, (one) => (one === "\t" ? one : "�")))
    .join("\n");
}

/** JSON text with the same characters as escapes: it still reads as the same value. Its layout stays. */
export function forTerminalJson(json: string): string {
  return json.replaceAll(unsafe, (one) => (one === "\n" ? one : escaped(one)));
}

/** Text from outside, fit to stand in a message: quoted, what a terminal obeys escaped, cut at 80 characters. */
export function quoted(text: string): string {
  return forTerminalJson(JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text));
}

/**
 * One word for a POSIX shell, quoted where it needs to be. A word that holds what a terminal obeys (a newline would end the line
 * of whoever pastes it) has no safe form and becomes a placeholder. Does not help a word that begins with `-`: it is still an option.
 */
export function forShell(text: string): string {
  if (text.search(unsafe) !== -1 || text.length > maxLineLength) return "'…'";
  return /^[A-Za-z0-9_./:@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most)}… (${text.length - most} more)`;
}

function escaped(character: string): string {
  return Array.from({ length: character.length }, (_, at) => character.charCodeAt(at))
    .map((unit) => String.raw`\u${unit.toString(16).padStart(4, "0")}`)
    .join("");
}
