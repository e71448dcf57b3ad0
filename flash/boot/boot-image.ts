import { closeSync, openSync, readSync } from "node:fs";
import { EnvironmentError } from "#shared/errors";
import { forTerminal } from "#shared/printable";
import { outputOf, runProgram } from "../run-program.ts";
import type { BootFiles } from "./boot-files.ts";

const sector = 512;
/** FAT, as partition tables name it: FAT16 and FAT32 by cylinders or sectors, and EFI's. */
const fatTypes = new Set([0x06, 0x0b, 0x0c, 0x0e, 0xef]);
const install = "install mtools (on Debian: apt-get install mtools)";

/** The first FAT partition of an image, changed by mtools, without root and without mounting it. */
export class ImageBoot implements BootFiles {
  readonly where: string;
  readonly #drive: readonly string[];

  /** @throws EnvironmentError where the file is no image with such a partition */
  constructor(file: string) {
    const offset = fatOffset(file);
    this.where = offset === 0 ? file : `the boot partition in ${file}`;
    this.#drive = ["-i", `${file}@@${offset}`];
  }

  async list(): Promise<readonly string[]> {
    const out = await this.#run("mdir", "-b", "::/");
    return out
      .toString("utf8")
      .split("\n")
      .map((line) => line.replace(/^::\//, "").replace(/\/$/, ""))
      .filter((line) => line !== "");
  }

  async read(name: string): Promise<Buffer | undefined> {
    const { code, out, err } = await runProgram("mtype", [...this.#drive, `::/${name}`], { install });
    if (code === 0) return out;
    if (/not found|does not exist/i.test(err)) return undefined;
    throw new EnvironmentError(`${name} in ${this.where} cannot be read: ${forTerminal(err.trim(), 300)}`);
  }

  async write(name: string, contents: Buffer): Promise<void> {
    const [directory] = name.split("/");
    // It says that there is one already by failing.
    if (directory !== name) await runProgram("mmd", [...this.#drive, "-D", "s", `::/${directory}`], { install });
    await outputOf("mcopy", [...this.#drive, "-o", "-", `::/${name}`], { input: contents, install });
  }

  async remove(name: string): Promise<void> {
    await runProgram("mdeltree", [...this.#drive, `::/${name}`], { install });
  }

  async free(): Promise<number> {
    const text = (await this.#run("mdir", "::/")).toString("utf8");
    return Number(/([\d ]+) bytes free/.exec(text)?.[1]?.replaceAll(" ", "") ?? Number.NaN);
  }

  #run(program: string, ...args: string[]): Promise<Buffer> {
    return outputOf(program, [...this.#drive, ...args], { install });
  }
}

/** Bytes from the image's beginning to its first FAT partition; 0 where it is one itself. */
function fatOffset(file: string): number {
  const head = Buffer.alloc(sector);
  const descriptor = openSync(file, "r");
  try {
    readSync(descriptor, head, 0, sector, 0);
  } finally {
    closeSync(descriptor);
  }
  if (head.readUInt16LE(510) !== 0xaa55)
    throw new EnvironmentError(
      `${file} is no image of a card: it has no partition table (is it compressed? unpack it first)`,
    );
  if (head.toString("latin1", 54, 57) === "FAT" || head.toString("latin1", 82, 85) === "FAT") return 0;
  for (let at = 446; at < 510; at += 16)
    if (fatTypes.has(head.readUInt8(at + 4))) return head.readUInt32LE(at + 8) * sector;
  throw new EnvironmentError(
    `${file} has no FAT partition in its table: expected a card's image with a boot partition`,
  );
}
