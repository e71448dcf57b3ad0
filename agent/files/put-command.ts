import { createHash } from "node:crypto";
import { closeSync, constants, fstatSync, lstatSync, openSync, read, statfsSync } from "node:fs";
import { promisify } from "node:util";
import * as z from "zod/mini";
import type { Clock } from "#shared/clock";
import { asError, errorCode } from "#shared/errors";
import { PieceReceiver } from "#shared/files/piece-receiver";
import { maxFileBytes } from "#shared/files/file-bounds";
import { fileHash, type FileDown } from "#shared/messages/file-messages";
import type { Json } from "#shared/messages/payload-schema";
import { isAgentStopping } from "../commands/execution.ts";
import { CommandError, type Handler, type RunContext } from "../commands/handler.ts";
import { isUnaffordable, unaffordable, type FileBudget } from "./affordable.ts";
import { pathArgument } from "./fetch-command.ts";
import { pathIn, type FilePlaces, type FilePlace } from "./file-places.ts";
import type { FileTransfers, SayOfFile } from "./file-transfers.ts";
import { assertReplaceable, IncomingFile, incomingPrefix } from "./incoming-file.ts";
import { PlaceTurns } from "./place-turns.ts";

export interface PutParts {
  readonly places: Pick<FilePlaces, "inPlace">;
  readonly transfers: Pick<FileTransfers, "join" | "inTurn">;
  readonly say: SayOfFile;
  readonly clock: Clock;
  readonly budget?: FileBudget | undefined;
  /** Bytes that stay free on the disk; {@link spareBytes} unless given. */
  readonly spare?: number | undefined;
}

/** Bytes that a file leaves free on the device's disk, for the outbox and for whatever else writes there. */
export const spareBytes = 16 * 1024 * 1024;

const putArgs = z.object({
  path: pathArgument,
  size: z.int().check(z.gte(0), z.lte(maxFileBytes), z.meta({ title: "Its bytes" })),
  sha256: fileHash.check(z.meta({ title: "Its SHA-256, under which it was given to the console" })),
  overwrite: z.optional(z.boolean().check(z.meta({ title: "Also where there is a file" }))),
  dryRun: z.optional(z.boolean().check(z.meta({ title: "Only say whether it could be put" }))),
});
type PutArgs = z.infer<typeof putArgs>;

/**
 * Puts a file that the console has. Begun again it goes on with what is there, and where the contents are in their place it does nothing: it ends
 * in the same state however often it is done.
 */
export function putCommand(parts: PutParts): Handler {
  const turns = new PlaceTurns();
  const handler: Handler<PutArgs> = {
    title: "Put a file of the console's into an allowed directory",
    args: putArgs,
    concurrent: true,
    onInterrupt: "rerun",
    run: (args, context) =>
      parts.places.inPlace(args.path, ({ directory, name }) => {
        if (name.startsWith(incomingPrefix))
          throw new CommandError(
            "not-allowed",
            `${args.path} is what files on their way are called: name it otherwise`,
          );
        const { dev, ino } = fstatSync(directory);
        return turns.alone(`${dev}.${ino}/${name}`, context.signal, () => {
          // Whoever was before may have put it.
          const there = lstatSync(pathIn(directory, name), { throwIfNoEntry: false });
          return put(parts, args, { directory, name, there }, context);
        });
      }),
  };
  return handler as Handler;
}

async function put(parts: PutParts, args: PutArgs, place: FilePlace, context: RunContext): Promise<Json> {
  const { path, size, sha256, overwrite = false, dryRun = false } = args;
  if (await isThere(place, args)) return { path, size, sha256, unchanged: true };
  assertReplaceable(place.there, overwrite, path);
  if (dryRun) {
    assertRoom(parts, place, size);
    const why = unaffordable(parts.budget, size);
    if (why) throw why;
    return { path, size, sha256, replaces: place.there !== undefined };
  }
  return parts.transfers.inTurn(
    context.signal,
    () => context.progress(0, "waits behind other files"),
    async () => {
      const incoming = await IncomingFile.open({ place, sha256, size, now: Date.now() });
      try {
        assertRoom(parts, place, size - incoming.have);
        await receive(parts, args, incoming, context);
        await incoming.settle(overwrite);
        return { path, size, sha256 };
      } catch (thrown) {
        // The next run goes on with it, or the same command on another day.
        if (!isAgentStopping(context.signal) && !isUnaffordable(thrown)) incoming.remove();
        throw errorCode(thrown) === "ENOSPC" ? noRoom(path) : thrown;
      } finally {
        incoming.close();
      }
    },
  );
}

/** Resolves once all of it is here, and is what was signed for. */
async function receive(parts: PutParts, args: PutArgs, incoming: IncomingFile, context: RunContext): Promise<void> {
  await receiveRest(parts, args, incoming, context);
  if (incoming.isWhole()) return;
  // A power cut may leave other bytes than were written: once more, from the beginning.
  await receiveRest(parts, args, incoming, context);
  if (!incoming.isWhole())
    throw new CommandError("damaged", "what the console has is not what was to be put: give it to the console anew");
}

function receiveRest(
  { transfers, say, clock, budget }: PutParts,
  { size }: PutArgs,
  incoming: IncomingFile,
  { command: { id }, signal, progress }: RunContext,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      receiver.stop();
      leave();
      signal.removeEventListener("abort", aborted);
      settle();
    };
    const failed = (thrown: unknown): void => end(() => reject(asError(thrown)));
    const aborted = (): void => failed(signal.reason);
    const receiver = new PieceReceiver({
      size,
      have: incoming.have,
      clock,
      ask: (at, want) => {
        const why = unaffordable(budget, size - at);
        if (why) failed(why);
        else void say(id, { at, want });
      },
      write: (data) => incoming.write(data),
      progress: (at) => progress(size === 0 ? 1 : at / size),
      done: () => end(resolve),
      failed,
    });
    const heard = (message: FileDown): void => {
      if ("stop" in message) failed(new CommandError(message.stop.code, message.stop.message));
      else if ("data" in message) receiver.take(message);
    };
    const leave = transfers.join(id, { heard, again: () => receiver.again() });
    if (signal.aborted) return aborted();
    signal.addEventListener("abort", aborted);
    receiver.start();
  });
}

const readFrom = promisify(read);

/** Whether the very contents are in their place already. */
async function isThere({ directory, name, there }: FilePlace, { size, sha256 }: PutArgs): Promise<boolean> {
  if (!there?.isFile() || there.size !== size) return false;
  const file = openSync(pathIn(directory, name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const hash = createHash("sha256");
    const buffer = Buffer.allocUnsafe(64 * 1024);
    for (let at = 0; ;) {
      const { bytesRead } = await readFrom(file, buffer, 0, buffer.length, at);
      if (bytesRead === 0 || at > size) return hash.digest("hex") === sha256;
      hash.update(buffer.subarray(0, bytesRead));
      at += bytesRead;
    }
  } finally {
    closeSync(file);
  }
}

function assertRoom({ spare = spareBytes }: PutParts, { directory }: FilePlace, bytes: number): void {
  const { bavail, bsize } = statfsSync(pathIn(directory, "."));
  if (bavail * bsize < bytes + spare)
    throw new CommandError(
      "no-space",
      `${bytes} bytes do not fit: ${bavail * bsize} are free there, and ${spare} stay so; make room on the device`,
    );
}

function noRoom(path: string): CommandError {
  return new CommandError("no-space", `the device's disk is full: nothing of ${path} was changed; make room there`);
}
