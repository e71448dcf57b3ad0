import { close, fstatSync, read } from "node:fs";
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import * as z from "zod/mini";
import type { Clock } from "#shared/clock";
import { asError } from "#shared/errors";
import { maxFileBytes } from "#shared/files/file-bounds";
import type { FileDown } from "#shared/messages/file-messages";
import { PieceSender } from "#shared/files/piece-sender";
import { CommandError, type Handler, type RunContext } from "../commands/handler.ts";
import { unaffordable, type FileBudget } from "./affordable.ts";
import type { FilePlaces } from "./file-places.ts";
import type { FileTransfers, SayOfFile } from "./file-transfers.ts";
import { UntilAnswered } from "./until-answered.ts";

export interface FetchParts {
  readonly places: Pick<FilePlaces, "openFile">;
  readonly transfers: Pick<FileTransfers, "join" | "inTurn">;
  readonly say: SayOfFile;
  readonly clock: Clock;
  readonly budget?: FileBudget | undefined;
}

/** Characters of a path: what Linux takes. */
export const maxFilePathLength = 4_096;

export const pathArgument = z
  .string()
  .check(z.minLength(2), z.maxLength(maxFilePathLength), z.meta({ title: "Path of the file on the device" }));

const fetchArgs = z.object({
  path: pathArgument,
  dryRun: z.optional(z.boolean().check(z.meta({ title: "Only say whether it could be fetched, and its size" }))),
});

/** An open file that somebody is to have: so many bytes of it, whatever it grows by meanwhile. */
interface Given {
  readonly file: number;
  readonly path: string;
  readonly size: number;
  /** Tells it from another file of the same name. */
  readonly id: string;
}

/** Gives a file to the console, piece by piece as that asks for them. It changes nothing, and goes on wherever it was cut off. */
export function fetchCommand({ places, transfers, say, clock, budget }: FetchParts): Handler {
  const handler: Handler<z.infer<typeof fetchArgs>> = {
    title: "Give a file of an allowed directory to the console",
    args: fetchArgs,
    concurrent: true,
    harmless: true,
    async run({ path, dryRun = false }, context) {
      const file = places.openFile(path);
      try {
        const { size, mtimeMs, dev, ino } = fstatSync(file);
        const modified = Math.round(mtimeMs);
        if (size > maxFileBytes)
          throw new CommandError("too-large", `${path} has ${size} bytes: expected ${maxFileBytes} at most`);
        if (dryRun) {
          const why = unaffordable(budget, size);
          if (why) throw why;
          return { path, size, modified };
        }
        const given = { file, path, size, id: `${dev.toString(36)}.${ino.toString(36)}` };
        const sha256 = await transfers.inTurn(
          context.signal,
          () => context.progress(0, "waits behind other files"),
          () => give(given, context, { transfers, say, clock, budget }),
        );
        return { path, size, modified, sha256 };
      } finally {
        close(file);
      }
    },
  };
  return handler as Handler;
}

/** @returns the file's SHA-256, once the console has the whole of it */
function give(
  given: Given,
  { command: { id }, signal, progress }: RunContext,
  { transfers, say, clock, budget }: Omit<FetchParts, "places">,
): Promise<string> {
  const { size } = given;
  const sender = new PieceSender({
    size,
    read: (at, length) => readAt(given, at, length),
    send: (piece) => say(id, piece),
  });
  return new Promise((resolve, reject) => {
    const hello = new UntilAnswered(
      clock,
      () => void say(id, { size, file: given.id }),
      () => progress(0, silence),
    );
    const end = (): void => {
      hello.end();
      leave();
      sender.stop();
      signal.removeEventListener("abort", aborted);
    };
    const failed = (thrown: unknown): void => {
      end();
      reject(asError(thrown));
    };
    const aborted = (): void => failed(signal.reason);
    let isJudging = false;
    const judge = (sha256: string): void => {
      if (isJudging) return;
      isJudging = true;
      hashOf(given).then((own) => {
        if (own !== sha256) return failed(changed(given));
        end();
        resolve(own);
      }, failed);
    };
    const heard = (message: FileDown): void => {
      hello.heard();
      if ("stop" in message) return failed(new CommandError(message.stop.code, message.stop.message));
      if (!("want" in message)) return;
      if (message.sha256 !== undefined) return message.at === size ? judge(message.sha256) : hello.begin();
      const why = unaffordable(budget, Math.max(0, size - message.at));
      if (why) return failed(why);
      progress(size === 0 ? 1 : Math.min(1, message.at / size));
      sender.answer(message).catch(failed);
    };
    const leave = transfers.join(id, { heard, again: () => hello.begin() });
    if (signal.aborted) return aborted();
    signal.addEventListener("abort", aborted);
    hello.begin();
  });
}

/** Said while nobody asks for anything. */
const silence =
  "waits for the console: one that asks for nothing is older than this, or its broker lets nothing of a file through";

function changed({ path }: Given): CommandError {
  return new CommandError("changed", `${path} was changed while it was fetched: fetch it again`);
}

const readFrom = promisify(read);
/** Bytes: a slow processor takes some milliseconds for them, in which nothing else is done. */
const hashedAtOnce = 64 * 1024;

async function readAt(given: Given, at: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await readFrom(given.file, Buffer.allocUnsafe(length), 0, length, at);
  if (bytesRead < length) throw changed(given);
  return buffer;
}

async function hashOf(given: Given): Promise<string> {
  const hash = createHash("sha256");
  for (let at = 0; at < given.size; at += hashedAtOnce)
    hash.update(await readAt(given, at, Math.min(hashedAtOnce, given.size - at)));
  return hash.digest("hex");
}
