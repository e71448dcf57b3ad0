import { createHash } from "node:crypto";
import { open, type FileHandle } from "node:fs/promises";
import { basename } from "node:path";
import type { Client } from "#api/client";
import { counted } from "#shared/counted";
import { asError, BadInputError } from "#shared/errors";
import { maxFileBytes, maxPartBytes } from "#shared/files/file-bounds";
import { forTerminal } from "#shared/printable";
import type { Terminal } from "../live-command.ts";
import type { Sign } from "../send-command.ts";
import { beginFile, followToEnd, overAbsences } from "./follow-file.ts";

export interface PutFlags {
  readonly ttl: string;
  readonly overwrite?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
}

/**
 * Gives a file to the console and has a device take it from there. Each way goes on where it was cut off, also by the same line once more: by the
 * file's SHA-256, which is what is signed for.
 * @param path on the device; one that ends in a slash gets the file's name @returns the exit status
 */
export async function putFile(
  client: Client,
  { device, file, path: to }: { readonly device: string; readonly file: string; readonly path: string },
  { ttl, overwrite = false, dryRun = false }: PutFlags,
  terminal: Terminal,
  sign?: Sign,
): Promise<number> {
  const path = to.endsWith("/") ? to + basename(file) : to;
  const opened = await open(file).catch((thrown: unknown) => {
    throw new BadInputError(`${file} cannot be read: ${asError(thrown).message}`);
  });
  try {
    const { size, sha256 } = await identify(opened, file);
    if (!dryRun) await giveToConsole(client, opened, { size, sha256 }, terminal);
    const args = { path, size, sha256, ...(overwrite ? { overwrite } : {}), ...(dryRun ? { dryRun } : {}) };
    const id = await beginFile(client, { device, key: "put", args, ttl, sign });
    const tell = (): void => {
      terminal.err(`\nit goes on without you: muster cancel ${id} ends it\n`);
      process.exit(130);
    };
    process.once("SIGINT", tell);
    const { state, error, explain, result } = await followToEnd(client, device, id, terminal);
    process.off("SIGINT", tell);
    if (state !== "succeeded") {
      terminal.err(`${forTerminal(`${state}: ${error?.message ?? explain}`)}\n`);
      return 1;
    }
    terminal.out(ending(`${path} on ${device}`, size, sha256, result));
    return 0;
  } finally {
    await opened.close();
  }
}

function ending(what: string, size: number, sha256: string, result: unknown): string {
  const told = typeof result === "object" && result !== null ? result : {};
  if ("unchanged" in told) return `${what} has these ${size} bytes already`;
  if ("replaces" in told)
    return `${what} can be put${told.replaces === true ? ", in the place of what is there" : ""}: ${size} bytes`;
  return `${what} has ${size} bytes, SHA-256 ${sha256}`;
}

async function identify(opened: FileHandle, file: string): Promise<{ size: number; sha256: string }> {
  const stats = await opened.stat();
  if (!stats.isFile()) throw new BadInputError(`${file} is no regular file`);
  if (stats.size > maxFileBytes)
    throw new BadInputError(`${file} has ${counted(stats.size, "byte")}: expected ${maxFileBytes} at most`);
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of opened.createReadStream({ start: 0, autoClose: false })) {
    hash.update(chunk as Buffer);
    size += (chunk as Buffer).length;
  }
  return { size, sha256: hash.digest("hex") };
}

async function giveToConsole(
  client: Client,
  opened: FileHandle,
  { size, sha256 }: { readonly size: number; readonly sha256: string },
  terminal: Terminal,
): Promise<void> {
  for (let at = 0; ;) {
    const { buffer, bytesRead } = await opened.read(
      Buffer.alloc(maxPartBytes),
      0,
      Math.min(maxPartBytes, size - at),
      at,
    );
    const data = buffer.toString("base64", 0, bytesRead);
    const { have } = await overAbsences(() => client.addFilePart(sha256, { size, at, data }));
    if (terminal.live)
      terminal.err(`\r\u001b[Kto the console: ${size === 0 ? 100 : Math.floor((have / size) * 100)} %`);
    if (have === size || (bytesRead === 0 && size > 0)) break;
    at = have;
  }
  if (terminal.live) terminal.err("\r\u001b[K");
}
