import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, statfsSync } from "node:fs";
import { dirname, join } from "node:path";
import { replaceFile } from "#disk/durable-file";
import { EnvironmentError, errorCode } from "#shared/errors";

/** The files of a boot partition: of one that is mounted, or in an image. */
export interface BootFiles {
  /** What it is, for a person. */
  readonly where: string;
  /** Names at its top. */
  list(): Promise<readonly string[]>;
  read(name: string): Promise<Buffer | undefined>;
  write(name: string, contents: Buffer): Promise<void>;
  /** A file, or a directory with what is in it. */
  remove(name: string): Promise<void>;
  /** Bytes. */
  free(): Promise<number>;
}

/** A partition that is mounted. */
export class MountedBoot implements BootFiles {
  readonly where: string;

  /** @throws EnvironmentError where it is no directory */
  constructor(directory: string) {
    this.where = directory;
    if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory())
      throw new EnvironmentError(`${directory} is no directory: expected where the card's boot partition is mounted`);
  }

  async list(): Promise<readonly string[]> {
    return readdirSync(this.where);
  }

  async read(name: string): Promise<Buffer | undefined> {
    try {
      return readFileSync(join(this.where, name));
    } catch (error) {
      if (errorCode(error) === "ENOENT") return undefined;
      throw error;
    }
  }

  async write(name: string, contents: Buffer): Promise<void> {
    const path = join(this.where, name);
    mkdirSync(dirname(path), { recursive: true });
    replaceFile(path, contents);
  }

  async remove(name: string): Promise<void> {
    rmSync(join(this.where, name), { recursive: true, force: true });
  }

  async free(): Promise<number> {
    const { bavail, bsize } = statfsSync(this.where);
    return bavail * bsize;
  }
}
