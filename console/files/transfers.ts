import { close, fstatSync, rmSync, statSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { makeDirectory } from "#disk/durable-file";
import type { Bus, Message } from "#shared/bus";
import type { Clock } from "#shared/clock";
import type { Encoding } from "#shared/codec";
import { asError, DisconnectedError } from "#shared/errors";
import type { CommandId, DeviceId } from "#shared/ids";
import type { Log } from "#shared/log";
import { maxFileBytes } from "#shared/files/file-bounds";
import { encodeFile, readFileUp, type FileAsk, type FileDown } from "#shared/messages/file-messages";
import type { Topics } from "#shared/topics";
import { nameOf, type CommandName } from "../desk/command-name.ts";
import { isOpen, type Command } from "../desk/command.ts";
import type { Desk } from "../desk/desk.ts";
import { FetchedFiles, type FetchedFile } from "./fetched-files.ts";
import { Fetching } from "./fetching.ts";
import { FileTrouble } from "./file-trouble.ts";
import { Giving } from "./giving.ts";
import { Pace } from "./pace.ts";
import { asFileTrouble, ShelfRoom } from "./shelf-room.ts";
import { Uploads } from "./uploads.ts";

export interface TransfersOptions {
  /** The console's data directory. */
  readonly directory: string;
  readonly desk: Pick<Desk, "find" | "walk" | "ended">;
  readonly bus: Pick<Bus, "publish">;
  readonly topics: Topics;
  readonly clock: Clock;
  readonly log: Log;
  /** Bytes of all files at most, and bytes of the disk that stay free. */
  readonly most?: number | undefined;
  readonly spare?: number | undefined;
  /** Bytes a second of all files. */
  readonly rate?: number | undefined;
}

/** Files that come from devices at the same time; and asks of devices that are being answered. The others wait, or ask again. */
export const maxFetchesAtOnce = 8;
export const maxPutsAtOnce = 32;
/** How many of either may be one device's: an agent has no more on their way, and one that has other things in mind leaves the rest to others. */
export const maxPlacesOfDevice = 2;
/** Milliseconds for which a file is kept: one that was fetched since then, one that is to be put since it was last used. */
export const fileKeptFor = 86_400_000;
/** Milliseconds between two looks at what may go. */
const lookedEvery = 3_600_000;

const shut = promisify(close);

/** What the device has opened, and how it speaks. */
interface Hello {
  readonly name: CommandName;
  readonly size: number;
  readonly file: string;
  readonly encoding: Encoding;
}

/** Files on their way between devices and this console's disk, each by the command that began it: that is all that is remembered of one. */
export class Transfers {
  readonly uploads: Uploads;
  readonly #options: TransfersOptions;
  readonly #directory: string;
  readonly #fetched: FetchedFiles;
  readonly #room: ShelfRoom;
  readonly #pace: Pace;
  readonly #fetching = new Map<string, Fetching | "begins">();
  /** Where each of them goes. */
  readonly #claimed = new Map<string, string>();
  /** Those that wait for a place, the longest first. */
  readonly #waiting = new Map<string, Hello>();
  readonly #giving = new Map<string, Giving>();
  #undo: (() => void)[] = [];
  #isStopped = false;

  constructor(options: TransfersOptions) {
    this.#options = options;
    const { clock, most, spare, rate } = options;
    const directory = (this.#directory = join(options.directory, "files"));
    this.#room = new ShelfRoom({ directory, most, spare });
    this.uploads = new Uploads({ directory, room: this.#room, clock });
    this.#fetched = new FetchedFiles(directory, (path) => this.#room.release(path));
    this.#pace = new Pace(clock, rate);
  }

  start(): void {
    makeDirectory(this.#directory);
    this.#room.start();
    this.#undo.push(this.#options.desk.ended.on((command) => this.#ended(command)));
    this.#look();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const undo of this.#undo.splice(0)) undo();
    this.#waiting.clear();
    for (const giving of this.#giving.values()) giving.stop();
    this.#giving.clear();
    this.#pace.stop();
    for (const one of this.#fetching.values()) if (one !== "begins") await one.stop();
    this.#fetching.clear();
  }

  /** A device says something of a command's file. @throws BadInputError */
  heard(device: DeviceId, id: CommandId, message: Pick<Message, "payload">): void {
    const { value, encoding } = readFileUp(message.payload);
    const name = { device, id };
    if (this.#isStopped) return;
    if ("data" in value) {
      const fetching = this.#fetching.get(nameOf(name));
      if (fetching && fetching !== "begins") fetching.take(value);
    } else if ("want" in value) this.#give(name, value, encoding);
    else this.#opened({ name, encoding, ...value });
  }

  /** The file that a command has fetched, once it has succeeded. */
  find({ device, id }: CommandName): (FetchedFile & { readonly sha256: string }) | undefined {
    const command = this.#options.desk.find(device, id);
    if (command?.state !== "succeeded" || command.key !== "fetch") return undefined;
    const file = this.#fetched.find(command);
    const { result } = command;
    if (!file || typeof result !== "object" || result === null || Array.isArray(result)) return undefined;
    const { sha256 } = result;
    return typeof sha256 === "string" && result["size"] === file.size ? { ...file, sha256 } : undefined;
  }

  /** Lets go of what a command has fetched. */
  forget(command: CommandName): void {
    this.#fetched.remove(command);
  }

  #opened(hello: Hello): void {
    const key = nameOf(hello.name);
    const command = this.#options.desk.find(hello.name.device, hello.name.id);
    if (command?.key !== "fetch" || !isOpen(command)) return this.#refuse(hello, unknown);
    const present = this.#fetching.get(key);
    if (present === "begins") return;
    if (present?.id === hello.file) return present.again();
    if (hello.size > maxFileBytes)
      return this.#refuse(
        hello,
        new FileTrouble("too-large", `the file has ${hello.size} bytes: expected ${maxFileBytes} at most`),
      );
    this.#waiting.set(key, hello);
    if (present) this.#end(key, present);
    else this.#next();
  }

  #next(): void {
    for (const [key, hello] of this.#waiting) {
      if (this.#fetching.size >= maxFetchesAtOnce || this.#isStopped) return;
      if (placesOf(hello.name.device, this.#fetching) >= maxPlacesOfDevice) continue;
      this.#waiting.delete(key);
      this.#fetching.set(key, "begins");
      void this.#begin(key, hello);
    }
  }

  async #begin(key: string, hello: Hello): Promise<void> {
    const { name, size, encoding } = hello;
    const failed = (thrown: unknown): void => {
      const trouble = asFileTrouble(thrown);
      if (!(trouble instanceof FileTrouble))
        this.#options.log.error({ err: asError(thrown), ...name }, "a file that is fetched cannot be written");
      this.#end(key);
      this.#refuse(hello, trouble instanceof FileTrouble ? trouble : cannotWrite);
    };
    try {
      const opened = await this.#fetched.open(name, hello.file);
      try {
        this.#room.claim(opened.path, size, fstatSync(opened.file).size);
        this.#claimed.set(key, opened.path);
        const fetching = await Fetching.begin({
          file: opened.file,
          id: hello.file,
          size,
          clock: this.#options.clock,
          pace: (begin) => this.#pace.wait(name.device, begin),
          ask: (ask) => void this.#say(name, ask, encoding),
          failed,
          idle: () => this.#end(key),
          turnOver: () => this.#yield(key, hello),
        });
        // Its command may have ended meanwhile.
        if (this.#fetching.get(key) === "begins") this.#fetching.set(key, fetching);
        else await fetching.stop();
      } catch (thrown) {
        await shut(opened.file);
        throw thrown;
      }
    } catch (thrown) {
      failed(thrown);
    }
  }

  /** Another one that could have its place gets it; its own turn comes again. */
  #yield(key: string, hello: Hello): void {
    const { device } = hello.name;
    const mayCome = ({ name }: Hello): boolean =>
      name.device === device || placesOf(name.device, this.#fetching) < maxPlacesOfDevice;
    if (![...this.#waiting.values()].some(mayCome)) return;
    this.#waiting.set(key, hello);
    this.#end(key);
  }

  /** It needs its place no more. What has come of it stays. */
  #end(key: string, present = this.#fetching.get(key)): void {
    this.#fetching.delete(key);
    const claimed = this.#claimed.get(key);
    if (claimed !== undefined) this.#room.release(claimed);
    this.#claimed.delete(key);
    if (present && present !== "begins") void present.stop();
    this.#next();
  }

  #ended(command: Command): void {
    const key = nameOf(command);
    this.#giving.get(key)?.stop();
    this.#giving.delete(key);
    if (command.key !== "fetch") return;
    this.#waiting.delete(key);
    this.#end(key);
    if (command.state !== "succeeded") this.#fetched.remove(command);
  }

  #give(name: CommandName, ask: FileAsk, encoding: Encoding): void {
    const key = nameOf(name);
    const command = this.#options.desk.find(name.device, name.id);
    if (command?.key !== "put" || !isOpen(command)) return this.#refuse({ name, encoding }, unknown);
    const present = this.#giving.get(key);
    if (present?.replace(ask)) return;
    present?.stop();
    this.#giving.delete(key);
    if (this.#giving.size >= maxPutsAtOnce || placesOf(name.device, this.#giving) >= maxPlacesOfDevice) return;
    const size = Number(command.args["size"]);
    let path: string;
    try {
      path = this.uploads.use(hashIn(command), size);
    } catch (thrown) {
      return this.#refuse({ name, encoding }, thrown instanceof FileTrouble ? thrown : unknown);
    }
    const giving = new Giving(ask, {
      path,
      size,
      send: (piece) => this.#say(name, piece, encoding),
      pace: (begin) => this.#pace.wait(name.device, begin),
      ended: (thrown) => {
        if (this.#giving.get(key) === giving) this.#giving.delete(key);
        if (thrown !== undefined)
          this.#options.log.error({ err: asError(thrown), ...name }, "a file that is put cannot be read");
      },
    });
    this.#giving.set(key, giving);
    giving.start();
  }

  #refuse({ name, encoding }: Pick<Hello, "name" | "encoding">, { code, message }: FileTrouble): void {
    void this.#say(name, { stop: { code, message } }, encoding);
  }

  async #say({ device, id }: CommandName, message: FileDown, encoding: Encoding): Promise<void> {
    const { bus, topics, log } = this.#options;
    try {
      await bus.publish(topics.build({ kind: "file-down", device, id }), encodeFile(message, encoding), { qos: 0 });
    } catch (thrown) {
      if (!(thrown instanceof DisconnectedError))
        log.error({ err: asError(thrown) }, "a file's piece could not be sent");
    }
  }

  #remove(path: string): void {
    rmSync(path, { force: true });
    this.#room.release(path);
  }

  /** Lets go of what nobody has asked for in a day, and of what no command begins any more. */
  #look(): void {
    const { clock, desk } = this.#options;
    const now = clock.now();
    for (const file of this.#fetched.walk()) {
      const command = desk.find(file.device, file.id);
      const isKept =
        command && (isOpen(command) || (command.state === "succeeded" && now - (command.ended ?? 0) < fileKeptFor));
      if (!isKept) this.#remove(file.path);
    }
    const awaited = new Set<string>();
    for (const state of ["queued", "accepted", "running"] as const)
      for (const command of desk.walk({ state })) if (command.key === "put") awaited.add(hashIn(command));
    for (const path of pathsIn(this.uploads.directory)) {
      const stats = statSync(path, { throwIfNoEntry: false });
      const isAwaited = awaited.has(path.slice(this.uploads.directory.length + 1));
      if (stats && !isAwaited && now - stats.mtimeMs >= fileKeptFor) this.#remove(path);
    }
    this.#undo.push(clock.after(lookedEvery, () => this.#look()));
  }
}

/** What a command says of a file's contents; nothing is called so where that is no hash: whoever has sent it may have written anything. */
function hashIn({ args: { sha256 } }: Command): string {
  return typeof sha256 === "string" && /^[0-9a-f]{64}$/.test(sha256) ? sha256 : "no-hash";
}

const unknown = new FileTrouble(
  "no-transfer",
  "the console knows of no such command that is open: muster fetch and muster put begin one",
);
const cannotWrite = new FileTrouble("no-space", "the console cannot write it to its disk: its log says why");

/** How many of those that are named so are one device's. */
function placesOf(device: DeviceId, names: ReadonlyMap<string, unknown>): number {
  let count = 0;
  for (const name of names.keys()) if (name.startsWith(`${device}/`)) count += 1;
  return count;
}

function pathsIn(directory: string): string[] {
  try {
    return readdirSync(directory).map((name) => join(directory, name));
  } catch {
    return [];
  }
}
