import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import type { Client } from "#api/client";
import { asError, BadInputError, EnvironmentError } from "#shared/errors";
import type { CommandId } from "#shared/ids";
import { forTerminal } from "#shared/printable";
import type { Terminal } from "../live-command.ts";
import type { Sign } from "../send-command.ts";
import { asJson } from "../text-table.ts";
import { beginFile, followToEnd, overAbsences } from "./follow-file.ts";

export interface FetchFlags {
  readonly ttl: string;
  /** A command that was begun before. */
  readonly id?: string | undefined;
  readonly overwrite?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
}

/**
 * Has a device give a file to the console, and takes it from there. Each way goes on where it was cut off.
 * @param file where it goes @returns the exit status
 */
export async function fetchFile(
  client: Client,
  { device, path, file }: { readonly device: string; readonly path: string; readonly file: string },
  { ttl, id: known, overwrite = false, dryRun = false }: FetchFlags,
  terminal: Terminal,
  sign?: Sign,
): Promise<number> {
  if (!dryRun && !overwrite && existsSync(file))
    throw new BadInputError(`${file} is there already: name another file, or say --overwrite`);
  const args = dryRun ? { path, dryRun } : { path };
  const id = known ?? (await beginFile(client, { device, key: "fetch", args, ttl, sign }));
  const tell = (): void => {
    terminal.err(
      `\nit goes on without you: muster fetch ${device} ${path} ${file} --id ${id} goes on with it, muster cancel ${id} ends it\n`,
    );
    process.exit(130);
  };
  process.once("SIGINT", tell);
  try {
    const { state, error, explain, result } = await followToEnd(client, device, id, terminal);
    if (state !== "succeeded") {
      terminal.err(`${forTerminal(`${state}: ${error?.message ?? explain}`)}\n`);
      return 1;
    }
    if (dryRun) terminal.out(asJson(result ?? null));
    else terminal.out(await take(client, { device, id: id as CommandId, file }));
    return 0;
  } finally {
    process.off("SIGINT", tell);
  }
}

/** @returns what is said of it */
async function take(
  client: Client,
  { device, id, file }: { readonly device: string; readonly id: CommandId; readonly file: string },
): Promise<string> {
  // What is here of this very command is gone on with.
  const half = `${file}.${id}.part`;
  const opened = await open(half, "a+", 0o600).catch((thrown: unknown) => {
    throw new EnvironmentError(`${file} cannot be written: ${asError(thrown).message}`, { cause: thrown });
  });
  try {
    const hash = createHash("sha256");
    let have = 0;
    for await (const chunk of opened.createReadStream({ start: 0, autoClose: false })) {
      hash.update(chunk as Buffer);
      have += (chunk as Buffer).length;
    }
    for (;;) {
      const { size, sha256, data } = await overAbsences(() => client.getFilePart(id, { device, at: have }));
      const bytes = Buffer.from(data, "base64");
      await opened.writeFile(bytes);
      hash.update(bytes);
      have += bytes.length;
      if (have < size && bytes.length > 0) continue;
      if (have !== size || hash.digest("hex") !== sha256) {
        await rm(half, { force: true });
        throw new EnvironmentError(
          `what came of ${file} is not what the device has given: take it once more with --id ${id}`,
        );
      }
      await opened.sync();
      await rename(half, file);
      await client.forgetFile(id, { device });
      return `${file} has ${size} bytes, SHA-256 ${sha256}`;
    }
  } finally {
    await opened.close();
  }
}
