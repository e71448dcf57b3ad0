import { close, read } from "node:fs";
import { promisify } from "node:util";
import { openRegularFileSoon } from "#disk/regular-file";
import { PieceSender } from "#shared/files/piece-sender";
import { maxWindowBytes, type FileAsk, type FilePiece } from "#shared/messages/file-messages";

const readFrom = promisify(read);
const shut = promisify(close);

export interface GivingOptions {
  readonly path: string;
  readonly size: number;
  readonly send: (piece: FilePiece) => Promise<void>;
  /** Calls `begin`, which says how many bytes it is, when they may be sent. Gives what withdraws it. */
  readonly pace: (begin: () => number) => () => void;
  /** All that was asked for is sent, or it cannot be read. */
  readonly ended: (thrown?: unknown) => void;
}

/** What a device has asked for of a file, on its way to it once it is its turn. */
export class Giving {
  readonly #options: GivingOptions;
  readonly #sender: PieceSender;
  #ask: FileAsk;
  #withdraw: () => void = () => {};
  #isWaiting = true;

  constructor(ask: FileAsk, options: GivingOptions) {
    const { path, size, send } = options;
    this.#options = options;
    this.#ask = ask;
    this.#sender = new PieceSender({ size, read: (at, length) => readPart(path, at, length), send });
  }

  start(): void {
    this.#withdraw = this.#options.pace(() => this.#begin());
  }

  /** Takes the place of what was asked for and has not begun. @returns false where it has */
  replace(ask: FileAsk): boolean {
    if (this.#isWaiting) this.#ask = ask;
    return this.#isWaiting;
  }

  stop(): void {
    this.#withdraw();
    this.#sender.stop();
  }

  #begin(): number {
    this.#isWaiting = false;
    const { size, ended } = this.#options;
    this.#sender.answer(this.#ask).then(() => ended(), ended);
    return Math.max(0, Math.min(this.#ask.want, maxWindowBytes, size - this.#ask.at));
  }
}

async function readPart(path: string, at: number, length: number): Promise<Buffer> {
  const file = await openRegularFileSoon(path, 0);
  try {
    const { buffer, bytesRead } = await readFrom(file, Buffer.allocUnsafe(length), 0, length, at);
    if (bytesRead < length) throw new Error(`${path} is shorter than it was`);
    return buffer;
  } finally {
    await shut(file);
  }
}
