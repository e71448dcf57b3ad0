import type { Duplex } from "node:stream";
import type { Clock } from "#shared/clock";

/** Bytes that are written at once: with all headers, TLS's among them, less than the 576 that each way has to let through. */
export const pieceBytes = 500;
/** Milliseconds between two of them: what is written sooner the kernel would put together again, once more than ten are on their way. */
export const pieceEvery = 20;
/** Bytes that wait for their turn before whoever writes is asked to wait. */
export const maxPiecesWaiting = 64 * 1024;

/**
 * Has a stream write small pieces alone, so slowly that each goes in a packet of its own. For ways on which large packets vanish because somebody
 * drops the word that they are too large (an MTU black hole): no program but the kernel can say how large packets may be, but what is never
 * written together is never sent together. 25 kB/s.
 */
export function writeInPieces(stream: Duplex, clock: Clock): void {
  const write = stream.write.bind(stream) as (chunk: Buffer) => boolean;
  const end = stream.end.bind(stream) as (...given: readonly unknown[]) => Duplex;
  let waiting: Buffer[] = [];
  let bytes = 0;
  let isFull = false;
  let cancel: (() => void) | undefined;

  const next = (): void => {
    cancel = undefined;
    const all = Buffer.concat(waiting);
    if (all.length === 0 || stream.destroyed) return;
    // What is corked would go together.
    while (stream.writableCorked > 0) stream.uncork();
    write(all.subarray(0, pieceBytes));
    const rest = all.subarray(pieceBytes);
    waiting = rest.length > 0 ? [rest] : [];
    bytes = rest.length;
    cancel = clock.after(pieceEvery, next);
    if (isFull && bytes < maxPiecesWaiting) {
      isFull = false;
      stream.emit("drain");
    }
  };

  stream.write = (chunk: unknown, ...given: readonly unknown[]): boolean => {
    const [encoding] = given;
    const part = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk), encodingOf(encoding));
    waiting.push(part);
    bytes += part.length;
    const done = given.find((one) => typeof one === "function") as (() => void) | undefined;
    if (done) process.nextTick(done);
    if (!cancel) next();
    isFull ||= bytes >= maxPiecesWaiting;
    return !isFull;
  };
  stream.end = (...given: readonly unknown[]): Duplex => {
    cancel?.();
    if (bytes > 0 && !stream.destroyed) write(Buffer.concat(waiting));
    waiting = [];
    bytes = 0;
    return end(...given);
  };
  stream.once("close", () => cancel?.());
}

function encodingOf(given: unknown): BufferEncoding {
  return typeof given === "string" && Buffer.isEncoding(given) ? given : "utf8";
}
