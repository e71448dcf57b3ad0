import { close, fdatasync, fstatSync, ftruncateSync, write } from "node:fs";
import type { Hash } from "node:crypto";
import { promisify } from "node:util";
import type { Clock } from "#shared/clock";
import { PieceReceiver } from "#shared/files/piece-receiver";
import type { FileAsk, FilePiece } from "#shared/messages/file-messages";
import { hashFile } from "./hash-file.ts";

const writeTo = promisify(write);
const sync = promisify(fdatasync);
const shut = promisify(close);

/**
 * Milliseconds in which nothing new of a file comes until its place is somebody else's. That its device says once more that it has one is not enough: that costs it
 * nothing.
 */
export const fetchIdle = 150_000;
/**
 * Milliseconds for which it keeps its place where another one could have it: a device that has a byte for each minute would keep it for ever, and one whose line is slow for
 * days. It goes on in its turn with what is here.
 */
export const fetchTurn = 600_000;
/** Milliseconds until a device is told once more that all of it is here. */
const toldAgain = 10_000;

export interface FetchingOptions {
  /** The open file that it goes into, and what the device calls its own. */
  readonly file: number;
  readonly id: string;
  readonly size: number;
  readonly clock: Clock;
  readonly pace: (begin: () => number) => () => void;
  readonly ask: (ask: FileAsk) => void;
  /** It cannot be written. */
  readonly failed: (thrown: unknown) => void;
  /** Nothing has come for a while. */
  readonly idle: () => void;
  /** It has had its place for so long. */
  readonly turnOver: () => void;
}

/** One file on its way from a device, into a file here. */
export class Fetching {
  readonly #options: FetchingOptions;
  readonly #receiver: PieceReceiver;
  readonly #hash: Hash;
  #have: number;
  #cancel: () => void = () => {};
  #cancelIdle: () => void = () => {};
  #cancelTurn: () => void = () => {};
  #isStopped = false;

  private constructor(options: FetchingOptions, hash: Hash, have: number) {
    this.#options = options;
    this.#hash = hash;
    this.#have = have;
    const { size, clock, pace, ask, failed } = options;
    this.#receiver = new PieceReceiver({
      size,
      have,
      clock,
      pace,
      failed,
      ask: (at, want) => ask({ at, want }),
      write: (data) => this.#write(data),
      done: () => void this.#done().catch(failed),
    });
  }

  /** Goes on with what is in the file. */
  static async begin(options: FetchingOptions): Promise<Fetching> {
    const { file, size } = options;
    const have = Math.min(fstatSync(file).size, size);
    ftruncateSync(file, have);
    const fetching = new Fetching(options, await hashFile(file, have), have);
    fetching.#heard();
    fetching.#keepTurn();
    fetching.#receiver.start();
    return fetching;
  }

  get id(): string {
    return this.#options.id;
  }

  take(piece: FilePiece): void {
    this.#receiver.take(piece);
  }

  /** The device says once more that it has the file. */
  again(): void {
    if (this.#have === this.#options.size) this.#tell();
    else this.#receiver.again();
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#receiver.stop();
    this.#cancel();
    this.#cancelIdle();
    this.#cancelTurn();
    await shut(this.#options.file);
  }

  #heard(): void {
    const { clock, idle } = this.#options;
    this.#cancelIdle();
    if (!this.#isStopped) this.#cancelIdle = clock.after(fetchIdle, idle);
  }

  #keepTurn(): void {
    const { clock, turnOver } = this.#options;
    this.#cancelTurn = clock.after(fetchTurn, () => {
      this.#keepTurn();
      turnOver();
    });
  }

  async #write(data: Buffer): Promise<void> {
    for (let from = 0; from < data.length;) {
      const at = this.#have;
      const { bytesWritten } = await writeTo(this.#options.file, data, from, data.length - from, at);
      this.#hash.update(data.subarray(from, from + bytesWritten));
      this.#have += bytesWritten;
      from += bytesWritten;
    }
    this.#heard();
  }

  /** On the disk before the device is told, for that lets go of its own then. */
  async #done(): Promise<void> {
    await sync(this.#options.file);
    this.#tell();
  }

  #tell(): void {
    if (this.#isStopped) return;
    const { clock, ask, size } = this.#options;
    ask({ at: size, want: 0, sha256: this.#hash.copy().digest("hex") });
    this.#cancel();
    this.#cancel = clock.after(toldAgain, () => this.#tell());
  }
}
