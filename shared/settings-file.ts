import { closeSync, constants, fstatSync, lstatSync, openSync } from "node:fs";
import { parse as parseToml } from "smol-toml";
import { readBounded } from "#shared/bounded-read";
import { asError, errorCode } from "#shared/errors";
import { distrustOf } from "#shared/trust";

/** Read where no other is named. It lies in whatever directory somebody happens to stand in, and so may be anybody's. */
export const defaultFile = "muster.toml";
/** Bytes of a file of settings: all of them, with a comment for each, have some thousand. */
export const maxSettingsFileBytes = 256 * 1024;

/**
 * The settings of a file, by their names in kebab case. Settings name programs to run and where secrets go: a file that others could
 * have written is not read. Of the default one the owner counts too; one that was named is what somebody meant.
 * @throws Error whose message ends the sentence "… cannot be read: "
 */
export function readSettingsFile(named: string | undefined): Record<string, unknown> {
  const path = named ?? defaultFile;
  let file: number;
  try {
    // A pipe that somebody has left in the directory would hold every command up for ever.
    file = openSync(path, named === undefined ? constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) : "r");
  } catch (error) {
    if (errorCode(error) === "ENOENT" && named === undefined) return {};
    throw error;
  }
  try {
    const why = named === undefined ? whyForeign(path, file) : whyWide(path, file);
    if (why !== undefined) throw new Error(why);
    const bytes = readBounded(file, maxSettingsFileBytes);
    if (bytes.length > maxSettingsFileBytes)
      throw new Error(`expected a file of at most ${maxSettingsFileBytes} bytes, got more`);
    return parseToml(bytes.toString("utf8"));
  } catch (thrown) {
    // The rest of a parser's message repeats lines of the file, which may hold a password.
    throw new Error(asError(thrown).message.split("\n")[0], { cause: thrown });
  } finally {
    closeSync(file);
  }
}

/** A table of settings as a person has written it: TOML, or JSON where it begins with a brace. @throws Error that says where it does not read */
export function parseSettingsText(text: string): Record<string, unknown> {
  return text.trimStart().startsWith("{") ? (JSON.parse(text) as Record<string, unknown>) : parseToml(text);
}

/** What was opened is asked, not the name: between the two another file may come to stand there. */
function whyForeign(path: string, file: number): string | undefined {
  const link = lstatSync(path);
  const why =
    distrustOf(path, fstatSync(file)) ??
    (link.isSymbolicLink() ? distrustOf(path, { uid: link.uid, mode: 0 }) : undefined);
  return why === undefined ? undefined : `${why}; or say that you mean it: --config ${path}`;
}

function whyWide(path: string, file: number): string | undefined {
  const stats = fstatSync(file);
  return stats.isFile() ? distrustOf(path, { uid: 0, mode: stats.mode }) : undefined;
}
