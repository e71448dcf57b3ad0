import { maxPieceBytes, maxWindowBytes, sha256Of, type FileAsk, type FilePiece } from "#shared/messages/file-messages";

export interface PieceSenderOptions {
  readonly size: number;
  /** So many bytes from there on. @throws where they are not to be had */
  readonly read: (at: number, length: number) => Promise<Buffer>;
  /** Resolves once the next one may follow. */
  readonly send: (piece: FilePiece) => Promise<void>;
}

/** Gives pieces of a file to whom asks for them. It remembers nothing of what it has given. */
export class PieceSender {
  readonly #options: PieceSenderOptions;
  #turn = 0;

  constructor(options: PieceSenderOptions) {
    this.#options = options;
  }

  /** Answers one ask; what it was still giving for the one before it leaves. @throws what reading throws */
  async answer({ at, want }: Pick<FileAsk, "at" | "want">): Promise<void> {
    const turn = (this.#turn += 1);
    const { size, read, send } = this.#options;
    const end = Math.min(size, at + Math.min(want, maxWindowBytes));
    for (let from = at; from < end && turn === this.#turn; from += maxPieceBytes) {
      const data = await read(from, Math.min(maxPieceBytes, end - from));
      if (turn !== this.#turn) return;
      await send({ at: from, data, sha256: sha256Of(data) });
    }
  }

  stop(): void {
    this.#turn = -1;
  }
}
