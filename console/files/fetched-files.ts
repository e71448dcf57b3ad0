import { constants, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { makeDirectory } from "#disk/durable-file";
import { openRegularFileSoon } from "#disk/regular-file";
import { asCommandId, asDeviceId, type CommandId, type DeviceId } from "#shared/ids";
import type { CommandName } from "../desk/command-name.ts";

/** Between a command's id and what tells the device's file from another one: no id has it. */
const mark = "@";

/** One that came, or is coming. */
export interface FetchedFile extends CommandName {
  readonly path: string;
  readonly size: number;
}

/** Files that devices have given, by their commands: `DEVICE/ID@FILE`. Whether one is whole its command says. */
export class FetchedFiles {
  readonly #directory: string;

  readonly #removed: (path: string) => void;

  /** @param removed is told what is no longer there */
  constructor(directory: string, removed: (path: string) => void) {
    this.#removed = removed;
    this.#directory = join(directory, "fetched");
  }

  /** Opens what is here of a file, or begins it; another one's under the same command goes. @param file what the device calls it */
  async open({ device, id }: CommandName, file: string): Promise<{ readonly file: number; readonly path: string }> {
    const path = join(this.#directory, device, `${id}${mark}${file.replaceAll(/[^A-Za-z0-9._-]/g, "_")}`);
    for (const other of this.of({ device, id })) if (other.path !== path) this.#remove(other.path);
    makeDirectory(join(this.#directory, device));
    return { path, file: await openRegularFileSoon(path, constants.O_RDWR | constants.O_CREAT) };
  }

  /** What is here of a command's file. */
  find(command: CommandName): FetchedFile | undefined {
    return this.of(command)[0];
  }

  remove(command: CommandName): void {
    for (const { path } of this.of(command)) this.#remove(path);
  }

  #remove(path: string): void {
    rmSync(path, { force: true });
    this.#removed(path);
  }

  /** All of them. */
  *walk(): Iterable<FetchedFile> {
    for (const name of namesIn(this.#directory)) {
      const device = asDeviceId(name);
      if (device) yield* this.#ofDevice(device);
    }
  }

  private of({ device, id }: CommandName): FetchedFile[] {
    return this.#ofDevice(device).filter((one) => one.id === id);
  }

  #ofDevice(device: DeviceId): FetchedFile[] {
    return namesIn(join(this.#directory, device)).flatMap((name) => {
      const id = asCommandId(name.split(mark, 1)[0] ?? "");
      const path = join(this.#directory, device, name);
      const stats = statSync(path, { throwIfNoEntry: false });
      return id && stats?.isFile() ? [{ device, id: id satisfies CommandId, path, size: stats.size }] : [];
    });
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
