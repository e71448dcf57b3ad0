import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsync,
  linkSync,
  lstatSync,
  openSync,
  read,
  readdirSync,
  renameSync,
  rmSync,
  write,
} from "node:fs";
import { createHash, type Hash } from "node:crypto";
import { promisify } from "node:util";
import { errorCode } from "#shared/errors";
import { withGivenUmask } from "#shared/umask";
import { sha256Of } from "#shared/messages/file-messages";
import { CommandError } from "../commands/handler.ts";
import { pathIn, type FilePlace } from "./file-places.ts";

const readFrom = promisify(read);
const writeTo = promisify(write);
const sync = promisify(fsync);

/** Beginning of the name under which a file is invisible until it is whole. */
export const incomingPrefix = ".muster-put-";
/** Milliseconds after which what nobody has gone on with goes, when another file comes into its directory. */
export const abandonedAfter = 7 * 86_400_000;
/** Bytes: a slow processor takes some milliseconds to hash them. */
const hashedAtOnce = 64 * 1024;

const [readable, writable, anyExecutable] = [0o644, 0o666, 0o111];

export interface IncomingFileOptions {
  readonly place: FilePlace;
  readonly sha256: string;
  readonly size: number;
  /** Epoch ms, by this machine's clock as the file system has it. */
  readonly now: number;
}

/**
 * A file on its way to its place: beside it, under a name that says which contents it is to have, so that whoever brings the same goes on with
 * it. It takes its place by one rename when it is whole and on the disk.
 */
export class IncomingFile {
  readonly #place: FilePlace;
  readonly #name: string;
  readonly #file: number;
  readonly #options: IncomingFileOptions;
  #hash: Hash = createHash("sha256");
  #have = 0;

  private constructor(options: IncomingFileOptions, name: string, file: number) {
    this.#options = options;
    this.#place = options.place;
    this.#name = name;
    this.#file = file;
  }

  /** Goes on with what is there of these contents, or begins. @throws the system's error */
  static async open(options: IncomingFileOptions): Promise<IncomingFile> {
    const { place, sha256 } = options;
    removeAbandoned(place.directory, options.now);
    const name = `${incomingPrefix}${sha256Of(Buffer.from(place.name)).slice(0, 12)}-${sha256.slice(0, 24)}`;
    const incoming = new IncomingFile(options, name, openOwn(pathIn(place.directory, name)));
    await incoming.#read();
    return incoming;
  }

  /** Bytes that are there. */
  get have(): number {
    return this.#have;
  }

  /** @throws the system's error, as ENOSPC */
  async write(data: Buffer): Promise<void> {
    for (let from = 0; from < data.length;) {
      const { bytesWritten } = await writeTo(this.#file, data, from, data.length - from, this.#have);
      this.#hash.update(data.subarray(from, from + bytesWritten));
      this.#have += bytesWritten;
      from += bytesWritten;
    }
  }

  /** Whether it is what it should be; otherwise it is empty again. */
  isWhole(): boolean {
    const { size, sha256 } = this.#options;
    if (this.#have === size && this.#hash.copy().digest("hex") === sha256) return true;
    this.#hash = createHash("sha256");
    this.#have = 0;
    return false;
  }

  /**
   * Has it take its place. A file that is there hands on its owner and who may read and write it; nothing that may be executed is replaced, or made.
   * @throws CommandError where something has come to stand there that was not there before
   */
  async settle(overwrite: boolean): Promise<void> {
    const { directory, name } = this.#place;
    const [from, to] = [pathIn(directory, this.#name), pathIn(directory, name)];
    const there = lstatSync(to, { throwIfNoEntry: false });
    assertReplaceable(there, overwrite, name);
    if (there) own(this.#file, there);
    // Muster's own files are for its user alone; this one is for whoever the machine's umask says.
    const umask = withGivenUmask(() => process.umask());
    fchmodSync(this.#file, there ? there.mode & writable : readable & ~umask);
    await sync(this.#file);
    if (there || !linked(from, to)) renameSync(from, to);
    else rmSync(from);
    await sync(directory);
  }

  /** Lets go of it, and leaves it for whoever goes on. */
  close(): void {
    closeSync(this.#file);
  }

  remove(): void {
    rmSync(pathIn(this.#place.directory, this.#name), { force: true });
  }

  async #read(): Promise<void> {
    const { size } = fstatSync(this.#file);
    const buffer = Buffer.allocUnsafe(hashedAtOnce);
    const most = Math.min(size, this.#options.size);
    while (this.#have < most) {
      const { bytesRead } = await readFrom(
        this.#file,
        buffer,
        0,
        Math.min(buffer.length, most - this.#have),
        this.#have,
      );
      if (bytesRead === 0) return;
      this.#hash.update(buffer.subarray(0, bytesRead));
      this.#have += bytesRead;
    }
  }
}

/** @throws CommandError that says why what stands there stays */
export function assertReplaceable(there: FilePlace["there"], overwrite: boolean, name: string): void {
  if (!there) return;
  if (!there.isFile())
    throw new CommandError("not-a-file", `what is called ${name} there is no regular file, and stays`);
  if (there.mode & anyExecutable)
    throw new CommandError(
      "executable",
      `${name} is there and may be executed: nothing of the kind is replaced from afar`,
    );
  if (!overwrite) throw new CommandError("exists", `${name} is there already: say that it may be overwritten`);
}

/** One that this agent has made and nobody else can have open; whatever else has the name goes. */
function openOwn(path: string): number {
  const flags = constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  try {
    const file = openSync(path, flags);
    const { uid, nlink, mode } = fstatSync(file);
    if (fstatSync(file).isFile() && uid === process.getuid?.() && nlink === 1 && (mode & 0o777) === 0o600) return file;
    closeSync(file);
  } catch (thrown) {
    if (
      errorCode(thrown) !== "ENOENT" &&
      errorCode(thrown) !== "ELOOP" &&
      errorCode(thrown) !== "ENXIO" &&
      errorCode(thrown) !== "EACCES"
    )
      throw thrown;
  }
  rmSync(path, { force: true });
  return openSync(path, flags | constants.O_CREAT | constants.O_EXCL, 0o600);
}

function removeAbandoned(directory: number, now: number): void {
  for (const name of readdirSync(pathIn(directory, "."))) {
    if (!name.startsWith(incomingPrefix)) continue;
    const path = pathIn(directory, name);
    const there = lstatSync(path, { throwIfNoEntry: false });
    if (there?.isFile() && now - there.mtimeMs > abandonedAfter) rmSync(path, { force: true });
  }
}

/** Where this process may: root's agent puts files for others. */
function own(file: number, { uid, gid }: NonNullable<FilePlace["there"]>): void {
  if (process.getuid?.() === 0) fchownSync(file, uid, gid);
}

/** A second name, so that nothing that has just come to stand there is replaced; false where the file system has no second names. */
function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (thrown) {
    if (errorCode(thrown) === "EEXIST") throw new CommandError("exists", "something has come to stand there meanwhile");
    return false;
  }
}
