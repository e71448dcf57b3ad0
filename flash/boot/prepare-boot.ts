import { counted } from "#shared/counted";
import { BadInputError, EnvironmentError } from "#shared/errors";
import type { BootFiles } from "./boot-files.ts";
import { firstBootOf, ownDirectory, type FirstBoot } from "./first-boot.ts";

/** In {@link ownDirectory}: what the partition's files were; null for one that was not there. */
const undoName = `${ownDirectory}/undo.json`;
/** Bytes left free, for what the system writes there. */
export const bootReserve = 4 * 1024 * 1024;

type Before = Record<string, string | null>;

export interface Preparing {
  readonly files: BootFiles;
  readonly payload: ReadonlyMap<string, Buffer>;
  readonly dryRun: boolean;
  /** A file of the payload that is made when it is written: what stands in its place for a look is as large as it may be. */
  readonly unmade?: string | undefined;
  readonly say: (line: string) => void;
}

/** Looks whether it can be done: before a code is made for it. @throws EnvironmentError */
export async function lookAtBoot(files: BootFiles): Promise<FirstBoot> {
  if ((await files.read(undoName)) !== undefined)
    throw new BadInputError(`${files.where} has been prepared already: take that back first, with --undo`);
  return firstBootOf(files);
}

/** Writes everything onto the partition; what was there is kept beside it, and comes back with {@link undoBoot}. */
export async function prepareBoot(first: FirstBoot, { files, payload, dryRun, unmade, say }: Preparing): Promise<void> {
  const mine = [...payload].map(([name, contents]) => [`${ownDirectory}/${name}`, contents] as const);
  const bytes = mine.reduce((sum, [, contents]) => sum + contents.length, 0);
  const free = await files.free();
  if (free < bytes + bootReserve)
    throw new EnvironmentError(
      `${files.where} has ${megabytes(free)} free: expected ${megabytes(bytes + bootReserve)}; --no-runtime leaves Node out, for a system that has it`,
    );
  const before: Before = {};
  for (const name of first.changes.keys()) before[name] = (await files.read(name))?.toString("base64") ?? null;
  say(`${files.where}: first boot by ${first.how}, ${megabytes(bytes)} of ${megabytes(free)} free`);
  // What starts it comes last: a card that was pulled out half-way boots as before.
  const steps = [[undoName, Buffer.from(JSON.stringify(before))] as const, ...mine, ...first.changes];
  for (const [name, contents] of steps) {
    const size = counted(contents.length, "byte");
    const isMade = unmade === undefined || name !== `${ownDirectory}/${unmade}`;
    say(`${dryRun ? "would write" : "writes"} ${name} (${isMade ? size : `made then, at most ${size}`})`);
    if (!dryRun) await files.write(name, contents);
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** A file of the payload as it is on the card; undefined where it is not there, or not there any more. */
export function preparedFile(files: BootFiles, name: string): Promise<Buffer | undefined> {
  return files.read(`${ownDirectory}/${name}`);
}

/** @throws BadInputError where nothing was prepared */
export async function undoBoot({ files, dryRun, say }: Pick<Preparing, "files" | "dryRun" | "say">): Promise<void> {
  const text = await files.read(undoName);
  if (text === undefined)
    throw new BadInputError(`${files.where} was not prepared by muster flash: there is nothing to undo`);
  const before = JSON.parse(text.toString("utf8")) as Before;
  for (const [name, contents] of Object.entries(before).toReversed()) {
    say(`${dryRun ? "would put back" : "puts back"} ${name}${contents === null ? ": there was none" : ""}`);
    if (dryRun) continue;
    if (contents === null) await files.remove(name);
    else await files.write(name, Buffer.from(contents, "base64"));
  }
  say(`${dryRun ? "would remove" : "removes"} ${ownDirectory}/`);
  if (!dryRun) await files.remove(ownDirectory);
}
