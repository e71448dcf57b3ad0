import { UnreachableError } from "#api/api-errors";
import type { Client } from "#api/client";
import { maxPartBytes } from "#shared/files/file-bounds";
import { Sha256 } from "./sha256.ts";

/** As much of a browser's file as is needed. */
export interface GivenFile {
  readonly size: number;
  slice(from: number, to: number): { arrayBuffer(): Promise<ArrayBuffer> };
}

export interface GivingFile {
  readonly client: Pick<Client, "addFilePart">;
  readonly signal: AbortSignal;
  /** @param share of the file, 0 to 1 */
  readonly told: (share: number) => void;
  /** Resolves when the console is asked again after it did not answer. */
  readonly pause: () => Promise<void>;
}

const bytesOf = async (file: GivenFile, from: number): Promise<Uint8Array> =>
  new Uint8Array(await file.slice(from, Math.min(file.size, from + maxPartBytes)).arrayBuffer());

/** What a file is known by, at the console and on the device. @throws Error where it does not read, or somebody gives up */
export async function hashOfFile(
  file: GivenFile,
  { signal, told }: Pick<GivingFile, "signal" | "told">,
): Promise<string> {
  const hash = new Sha256();
  for (let at = 0; at < file.size; at += maxPartBytes) {
    signal.throwIfAborted();
    hash.add(await bytesOf(file, at));
    told(at / file.size);
  }
  return hash.end();
}

/**
 * Gives a file to the console part by part, and goes on behind what is there of it: also after a reload of the page, a restart of the console, or another
 * person's beginning. @throws Error with the console's reason
 */
export async function giveFile(
  file: GivenFile,
  sha256: string,
  { client, signal, told, pause }: GivingFile,
): Promise<void> {
  const { size } = file;
  for (let at = 0; ;) {
    signal.throwIfAborted();
    const bytes = await bytesOf(file, at);
    try {
      const { have } = await client.addFilePart(sha256, { size, at, data: inBase64(bytes) });
      told(size === 0 ? 1 : have / size);
      if (have === size) return;
      at = have;
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error;
      await pause();
    }
  }
}

/** So many bytes at once: a function takes no more arguments. */
const spread = 0x8000;

function inBase64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += spread) text += String.fromCharCode(...bytes.subarray(at, at + spread));
  return btoa(text);
}
