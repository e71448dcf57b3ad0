import { statfs } from "node:fs/promises";
import * as z from "zod/mini";
import type { Clock } from "#shared/clock";
import { asError, BadInputError, errorCode } from "#shared/errors";
import type { Log } from "#shared/log";
import type { ErrorCode } from "#shared/messages/error-codes";
import type { Json } from "#shared/messages/payload-schema";
import { checkRelease } from "#shared/release/check-release";
import { compareReleases } from "#shared/release/compare-releases";
import type { ReleaseFile, ReleaseTargets } from "#shared/release/release-manifest";
import { parsePublicKeys } from "#shared/signing/public-key";
import { version } from "#shared/version";
import { notInTime } from "../commands/comeback.ts";
import { CommandError, type Handler, type RunContext } from "../commands/handler.ts";
import { askConsole, refusalIn } from "../join/ask-console.ts";
import { download } from "./download.ts";
import type { KnownReleaseFile } from "./known-release.ts";
import type { Trial } from "./trial.ts";
import { buildOf, type FailedTrial, type Versions } from "./agent-versions.ts";
import { tellingLine } from "./last-words.ts";

export interface UpdateOptions {
  readonly versions: Versions;
  readonly known: KnownReleaseFile;
  /** The pinned keys, a line each. */
  readonly roots: readonly string[];
  /** The console's, where releases come from unless a command says otherwise. */
  readonly origin: string | undefined;
  /** Certificate authorities of that origin, as PEM. */
  readonly trust: () => string | undefined;
  /** This process's build, where it is known. */
  readonly build: string | undefined;
  /** Of which files of a release it may be. */
  readonly target: string;
  readonly trial: Trial | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** Ends this run for the next one. */
  readonly restart: () => void;
}

/** Where a console serves its release. */
const releasePath = "/join/release/";
/** Bytes that have to stay free beside the file: the outbox goes on. */
export const minFreeBytes = 4 * 1024 * 1024;
/** The room that an executable wants, by its size: it unpacks to not quite three times as much. */
const unpackedFactor = 4;

const updateArgs = z.object({
  url: z.optional(
    z
      .string()
      .check(
        z.maxLength(500),
        z.meta({ title: "Where manifest.json and the files are (default: at the console this device has joined)" }),
      ),
  ),
  downgrade: z.optional(z.boolean().check(z.meta({ title: "Also to an older release than the one that runs" }))),
  dryRun: z.optional(z.boolean().check(z.meta({ title: "Look whether it could be done, and change nothing" }))),
});
type UpdateArgs = z.infer<typeof updateArgs>;

const undoArgs = z.object({
  of: z.optional(
    z
      .string()
      .check(z.minLength(1), z.maxLength(63), z.meta({ title: "Only what this command, or this job, has brought" })),
  ),
});
type UndoArgs = z.infer<typeof undoArgs>;

/** `update` and `update-undo`, answered by the run that comes after. */
export function updateCommands(options: UpdateOptions): Record<string, Handler> {
  const update: Handler<UpdateArgs> = {
    title: "Update the agent to the release that the console serves",
    args: updateArgs,
    onInterrupt: "verify",
    undo: "update-undo",
    run: (args, context) => run(options, args, context),
    verify: (_, { command, runId, begunRunId }) => outcomeOf(options, command.id, { boot: runId, before: begunRunId }),
  };
  const undo: Handler<UndoArgs> = {
    title: "Go back to the version that ran before the last update, within a day of it",
    args: undoArgs,
    onInterrupt: "verify",
    async run({ of }, { signal }) {
      const { versions, clock, restart, known } = options;
      if (of !== undefined && !known.read().command?.startsWith(of)) return { ...running(options), undone: false };
      if (!versions.mayUndo(clock.now()))
        throw failure("not-updated", "there is no version of before to go back to: it is kept for a day");
      await versions.undo();
      restart();
      return notInTime("restarted", clock, signal);
    },
    verify(_, { runId, begunRunId }) {
      if (options.versions.mayUndo(options.clock.now()))
        throw failure("not-updated", "it was cut off before the switch of versions: send it again");
      return { ...running(options), undone: true, boot: runId, before: begunRunId };
    },
  };
  return { update: update as Handler, "update-undo": undo as Handler };
}

async function run(
  options: UpdateOptions,
  { url, downgrade = false, dryRun = false }: UpdateArgs,
  { command, signal, progress }: RunContext,
): Promise<Json> {
  const { versions, known, clock, restart } = options;
  const place = placeOf(options, url);
  const { targets, known: seen } = await released(options, place);
  const file = fitting(targets, options.target);
  const { release } = targets;
  // Also where nothing comes of it: an older one must not count any more.
  if (!dryRun) known.write({ ...known.read(), ...seen });
  const told = { release, build: buildOf(file.sha256), from: version, bytes: file.size };
  if (told.build === options.build) return { ...running(options), updated: false };
  if (!downgrade && compareReleases(release, version) < 0)
    throw failure(
      "downgrade",
      `${release} is older than ${version}, which runs here: say downgrade=true if it is meant`,
    );
  await assertRoom(versions.state, file.target === "node" ? file.size : unpackedFactor * file.size);
  if (dryRun) return { ...told, dryRun };
  const name = file.target === "node" ? `${told.build}.cjs` : told.build;
  const path = await versions.partOf(name);
  const trust = place.origin === options.origin ? options.trust() : undefined;
  await asFailure(() =>
    download(
      { url: new URL(file.name, place), trust, size: file.size, sha256: file.sha256, path },
      { clock, signal, progress: (part) => progress(part * 0.9, "fetching") },
    ),
  );
  await versions.admit(name);
  signal.throwIfAborted();
  progress(0.95, "restarting");
  known.write({ ...seen, command: command.id, name });
  await versions.try(name);
  restart();
  return notInTime("restarted", clock, signal);
}

/** What became of a switch, as the run sees it that comes after: the new version's, once it has proven itself, or the old one's. */
async function outcomeOf(options: UpdateOptions, id: string, runs: { boot: string; before: string }): Promise<Json> {
  const { known, versions, trial } = options;
  const { command, name } = known.read();
  if (command === id && name !== undefined) {
    if (versions.trial === name && trial) await trial.proven;
    if (versions.current === name) return { ...running(options), updated: true, ...runs };
    const failed = versions.failed;
    if (failed?.name === name) throw cameToNothing(options, failed);
  }
  throw failure("not-updated", "it was cut off before the switch of versions: send it again, it goes on where it was");
}

/** Why the version of before is back, to whoever asked for another one, and to the log. */
function cameToNothing(options: UpdateOptions, { name, why, said }: FailedTrial): CommandError {
  const line = tellingLine(said);
  options.log.error({ tried: name, why, said }, `an update has not proven itself: ${version} is back`);
  return failure("not-proven", `${why}${line === undefined ? "" : `: ${line}`}; ${version} is back`, {
    ...running(options),
    tried: name,
    ...(said.length > 0 ? { said: [...said] } : {}),
  });
}

function running({ build }: UpdateOptions): { release: string; build?: string } {
  return { release: version, ...(build === undefined ? {} : { build }) };
}

function placeOf({ origin }: UpdateOptions, given: string | undefined): URL {
  const text = given ?? (origin === undefined ? undefined : `${origin}${releasePath}`);
  if (text === undefined)
    throw failure("no-release", "this device has not joined by a console: say where the release is, url=https://…/");
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "https:" && url?.protocol !== "http:")
    throw failure("no-release", `${text.slice(0, 200)} is no place for a release: expected a URL with http or https`);
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url;
}

/** @throws CommandError where there is none that counts */
async function released({ known, roots, trust, origin, clock }: UpdateOptions, { href }: URL) {
  return asFailure(async () => {
    const { origin: at, pathname } = new URL("manifest.json", href);
    const answer = await askConsole({ origin: at, trust: at === origin ? trust() : undefined }, { path: pathname });
    if (answer.status !== 200) throw new BadInputError(`there is no release at ${href}: ${refusalIn(answer)}`);
    return checkRelease(answer.body, { roots: parsePublicKeys(roots), known: known.read(), now: clock.now() });
  });
}

/** The file for this machine. @throws CommandError where there is none, or Node is too old for it */
function fitting({ release, files }: ReleaseTargets, wanted: string): ReleaseFile {
  const file = files.find(({ target }) => target === wanted);
  if (!file)
    throw failure(
      "no-release",
      `${release} has no file for ${wanted === "node" ? "Node" : wanted}: it has ${files.map(({ target }) => target).join(", ")}`,
    );
  const has = process.versions.node;
  if (file.node !== undefined && compareReleases(has, file.node) < 0)
    throw failure("no-release", `${release} needs Node ${file.node} or newer, and this is ${has}: update Node first`);
  return file;
}

async function assertRoom(state: string, size: number): Promise<void> {
  const { bavail, bsize } = await statfs(state);
  if (bavail * bsize >= size + minFreeBytes) return;
  throw failure("not-updated", `${state} has room for ${bavail * bsize} bytes: expected ${size + minFreeBytes}`);
}

async function asFailure<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof CommandError || asError(thrown).name === "AbortError") throw thrown;
    const code = errorCode(thrown) === "ENOSPC" ? "not-updated" : "no-release";
    throw failure(code, asError(thrown).message);
  }
}

function failure(code: ErrorCode, message: string, data?: Json): CommandError {
  return new CommandError(code, message, data);
}
