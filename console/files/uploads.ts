import { close, constants, fsync, renameSync, rmSync, statSync, utimesSync, write } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { makeDirectory, syncDirectory } from "#disk/durable-file";
import { openRegularFileSoon } from "#disk/regular-file";
import type { Clock } from "#shared/clock";
import { BadInputError } from "#shared/errors";
import { FileTrouble } from "./file-trouble.ts";
import { hashFile } from "./hash-file.ts";
import { asFileTrouble, type ShelfRoom } from "./shelf-room.ts";

const writeTo = promisify(write);
const sync = promisify(fsync);
const shut = promisify(close);

/** Part of a file that somebody gives to the console. */
export interface GivenPart {
  readonly sha256: string;
  /** Of the whole. */
  readonly size: number;
  readonly at: number;
  readonly data: Buffer;
}

/** Files that people have given to the console, to be put on devices: by their contents' SHA-256, so that one serves many devices. */
export class Uploads {
  readonly #directory: string;
  readonly #room: ShelfRoom;
  readonly #clock: Pick<Clock, "now">;
  /** Parts of one file are taken one after the other. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor({ directory, room, clock }: { directory: string; room: ShelfRoom; clock: Pick<Clock, "now"> }) {
    this.#directory = join(directory, "uploads");
    this.#room = room;
    this.#clock = clock;
  }

  get directory(): string {
    return this.#directory;
  }

  /** Bytes that are here of a file of that size. */
  have(sha256: string, size: number): number {
    return sizeOf(this.#whole(sha256)) ?? sizeOf(this.#part(sha256, size)) ?? 0;
  }

  /** Where the whole of it is, for one that is to be put. It counts as used now. @throws FileTrouble where it is not here */
  use(sha256: string, size: number): string {
    const path = this.#whole(sha256);
    if (sizeOf(path) !== size)
      throw new FileTrouble("no-upload", `the console has no file with the SHA-256 ${sha256}: muster put gives it one`);
    const now = this.#clock.now() / 1_000;
    utimesSync(path, now, now);
    return path;
  }

  /**
   * Takes a part where it goes on with what is here. The last one makes it whole, or the file is not what was announced.
   * @param by who gives it, within whose share it is
   * @returns the bytes that are here then: what does not go on changes nothing @throws FileTrouble, BadInputError
   */
  add(given: GivenPart, by?: string): Promise<number> {
    const before = this.#turns.get(given.sha256) ?? Promise.resolve();
    const turn = before.catch(() => {}).then(() => this.#add(given, by));
    this.#turns.set(given.sha256, turn);
    return turn.finally(() => {
      if (this.#turns.get(given.sha256) === turn) this.#turns.delete(given.sha256);
    });
  }

  async #add({ sha256, size, at, data }: GivenPart, by: string | undefined): Promise<number> {
    const have = this.have(sha256, size);
    if (at + data.length > size)
      throw new BadInputError(`bytes ${at} to ${at + data.length} are beyond the file's ${size}`);
    // Nothing of a file makes none.
    if (data.length === 0 && size > 0) return have;
    if (have !== at || sizeOf(this.#whole(sha256)) !== undefined) return have;
    makeDirectory(this.#directory);
    const path = this.#part(sha256, size);
    this.#room.claim(path, size, have, by);
    try {
      const file = await openRegularFileSoon(path, constants.O_RDWR | constants.O_CREAT);
      try {
        for (let from = 0; from < data.length;)
          from += (await writeTo(file, data, from, data.length - from, at + from)).bytesWritten;
        if (at + data.length < size) return at + data.length;
        const hash = await hashFile(file, size);
        if (hash.digest("hex") !== sha256) {
          rmSync(path, { force: true });
          throw new BadInputError(`what came has another SHA-256 than ${sha256}: give it anew`);
        }
        await sync(file);
      } finally {
        await shut(file);
      }
      renameSync(path, this.#whole(sha256));
      this.#room.renamed(path, this.#whole(sha256));
      syncDirectory(this.#directory);
      return size;
    } catch (thrown) {
      throw asFileTrouble(thrown);
    } finally {
      this.#room.release(path);
    }
  }

  #whole(sha256: string): string {
    return join(this.#directory, sha256);
  }

  #part(sha256: string, size: number): string {
    return join(this.#directory, `${sha256}.${size}.part`);
  }
}

function sizeOf(path: string): number | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats?.isFile() ? stats.size : undefined;
}
