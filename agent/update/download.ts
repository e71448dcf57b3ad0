import { createHash } from "node:crypto";
import { constants, createReadStream, statSync } from "node:fs";
import { request as plain, type IncomingMessage } from "node:http";
import { request as secure } from "node:https";
import { systemDisk, call, type Disk, type Work } from "#disk/calls";
import { truncateFile, writing } from "#disk/durable-file";
import type { Clock } from "#shared/clock";
import { asError, EnvironmentError, errorCode } from "#shared/errors";

export interface Wanted {
  readonly url: URL;
  /** Certificate authorities that alone are trusted, as PEM; those that everybody trusts by default. */
  readonly trust: string | undefined;
  readonly size: number;
  /** In hexadecimal digits. */
  readonly sha256: string;
  /** Where it goes; what is there already is gone on with. */
  readonly path: string;
}

export interface DownloadOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** How much of it is there. */
  readonly progress: (fraction: number) => void;
  readonly disk?: Disk;
}

/** Milliseconds without a byte after which a connection is given up. */
const patience = 30_000;
/** Connections in a row that brought nothing, after which the download is given up; the waits between them double from a second. */
export const maxVain = 5;

/** A disk that says no does not say yes a second later. */
const ofDisk: ReadonlySet<string | undefined> = new Set(["ENOSPC", "EDQUOT", "EIO", "EROFS", "EACCES"]);

/**
 * Fetches a file, which is not synced, goes on where it was cut off, and compares it with its hash once it is whole; what does not fit is taken away.
 * @throws EnvironmentError with what to do
 */
export async function download(wanted: Wanted, options: DownloadOptions): Promise<void> {
  const { url, sha256, path } = wanted;
  const { disk = systemDisk } = options;
  // What an earlier try has left may have lost its content in a power cut.
  for (let isOwn = sizeOf(path) === 0; ; isOwn = true) {
    await fetchAll(wanted, options);
    if ((await hashOf(path)) === sha256) return;
    disk.now(call("remove", path));
    if (!isOwn) continue;
    throw new EnvironmentError(
      `what came from ${url.href} is not the file that was signed: its SHA-256 is another one. Nothing was changed`,
    );
  }
}

async function fetchAll(wanted: Wanted, options: DownloadOptions): Promise<void> {
  const { url, size, path } = wanted;
  const { clock, signal, disk = systemDisk } = options;
  for (let vain = 0; sizeOf(path) !== size;) {
    signal.throwIfAborted();
    const before = sizeOf(path);
    if (before > size) truncateFile(path, 0, disk);
    try {
      await fetchRest(wanted, options);
    } catch (thrown) {
      signal.throwIfAborted();
      if (thrown instanceof EnvironmentError || ofDisk.has(errorCode(thrown))) throw thrown;
      vain = sizeOf(path) > before ? 0 : vain + 1;
      if (vain === maxVain)
        throw new EnvironmentError(`${url.href} cannot be fetched: ${asError(thrown).message}`, { cause: thrown });
      await new Promise<void>((resolve) => void clock.after(500 * 2 ** vain, resolve));
    }
  }
}

async function fetchRest({ url, trust, size, path }: Wanted, { signal, progress, disk = systemDisk }: DownloadOptions) {
  let at = sizeOf(path);
  const answer = await ask(url, trust, at, signal);
  // Whoever does not know parts sends all of it.
  if (answer.statusCode === 200 && at > 0) {
    truncateFile(path, 0, disk);
    at = 0;
  } else if (answer.statusCode !== (at > 0 ? 206 : 200)) {
    answer.destroy();
    throw new EnvironmentError(`${url.href} cannot be fetched: it answers ${answer.statusCode ?? 0}`);
  }
  // In the same turn: what happens to an answer that nobody listens to is never heard of.
  const file = disk.now(opening(path));
  try {
    await eachChunk(answer, (chunk) => {
      at += chunk.length;
      if (at > size) throw new EnvironmentError(`${url.href} sends more than the ${size} bytes that were signed`);
      disk.now(writing(file, chunk));
      progress(at / size);
    });
  } finally {
    disk.now(call("close", file));
  }
  if (at < size) throw new Error(`the connection ended at ${at} of ${size} bytes`);
}

/** As they come: of a connection that breaks, a stream's iterator would forget what it has not handed out. */
function eachChunk(answer: IncomingMessage, take: (chunk: Buffer) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    answer.on("error", reject).on("end", resolve).on("close", resolve);
    answer.on("data", (chunk: Buffer) => {
      try {
        take(chunk);
      } catch (thrown) {
        reject(asError(thrown));
        answer.destroy();
      }
    });
  });
}

function* opening(path: string): Work<number> {
  return yield* call("open", path, constants.O_CREAT);
}

function ask(url: URL, trust: string | undefined, from: number, signal: AbortSignal): Promise<IncomingMessage> {
  const headers = { connection: "close", ...(from > 0 ? { range: `bytes=${from}-` } : {}) };
  const believed = trust === undefined ? {} : { ca: trust };
  return new Promise((resolve, reject) => {
    const asking = (url.protocol === "https:" ? secure : plain)(
      url,
      { headers, agent: false, signal, timeout: patience, ...believed },
      resolve,
    );
    asking.on("timeout", () => asking.destroy(new Error(`nothing came for ${patience / 1_000} s`)));
    asking.on("error", reject);
    asking.end();
  });
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest("hex");
}
