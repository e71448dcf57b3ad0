import {
  fstatSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  statSync,
  type Stats,
} from "node:fs";
import { basename, dirname, join } from "node:path";

/**
 * Files and directories that are out of reach by whatever name: below their own path, through another mount of the same directory, or of one below
 * it (`mount --bind`), and by a second name of a file (a hard link).
 */
export class OutOfReach {
  readonly #paths: readonly string[];
  readonly #ids: ReadonlySet<string>;
  readonly #mounts: readonly MountedPlace[];

  /** As they are at the moment: one is made for each question. */
  constructor(own: readonly string[], mounts = readMounts()) {
    const paths = own.map(realOf);
    this.#mounts = mounts;
    this.#paths = paths.flatMap((path) => [path, onDisk(path, mounts)]);
    this.#ids = new Set(paths.flatMap((path) => idsOf(path)));
  }

  /** @param descriptor of a directory on the way, or of a file */
  has(descriptor: number): boolean {
    return this.#ids.has(idOf(fstatSync(descriptor))) || this.#hasPath(pathOf(descriptor));
  }

  /** Whether a name in an open directory is, whatever stands there. */
  hasName(directory: number, name: string): boolean {
    return this.#hasPath(join(pathOf(directory), name));
  }

  /** Whether an open file is one of them by another name. Packages are passed over: they are many, and no secret. */
  hasSecondName(file: number): boolean {
    const stats = fstatSync(file);
    return stats.nlink > 1 && this.#paths.some((path) => holds(path, stats));
  }

  #hasPath(path: string): boolean {
    const places = [path, onDisk(path, this.#mounts)];
    return this.#paths.some((own) => places.some((one) => one === own || one.startsWith(`${own}/`)));
  }
}

/** A directory of a file system, as it was mounted: a line of `/proc/self/mountinfo`. */
export interface MountedPlace {
  /** The file system's device. */
  readonly device: string;
  /** Which of the file system's directories it is. */
  readonly root: string;
  /** Where it is mounted. */
  readonly point: string;
}

/** None where the system does not say; then paths and inodes alone are compared. */
function readMounts(): MountedPlace[] {
  try {
    return parseMounts(readFileSync("/proc/self/mountinfo", "utf8"));
  } catch {
    return [];
  }
}

/** See proc_pid_mountinfo(5). */
export function parseMounts(text: string): MountedPlace[] {
  return text.split("\n").flatMap((line) => {
    const [, , device, root, point] = line.split(" ").map(unescaped);
    return device === undefined || root === undefined || point === undefined ? [] : [{ device, root, point }];
  });
}

function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** Where something is in its file system: the same by whichever mount it is reached. It begins with no `/`, so it is no path. */
function onDisk(path: string, mounts: readonly MountedPlace[]): string {
  let found: MountedPlace | undefined;
  for (const mount of mounts) {
    const { point } = mount;
    const covers = path === point || path.startsWith(withSlash(point));
    // Of two at the same place the later one hides the other.
    if (covers && point.length >= (found?.point.length ?? 0)) found = mount;
  }
  if (!found) return path;
  const { device, root, point } = found;
  return `${device}:${join(root, path.slice(point === "/" ? 0 : point.length))}`.replace(/\/$/, "");
}

function withSlash(path: string): string {
  return path.endsWith("/") ? path : `${path}/`;
}

function pathOf(descriptor: number): string {
  return readlinkSync(`/proc/self/fd/${descriptor}`);
}

function idOf({ dev, ino }: Stats): string {
  return `${dev}:${ino}`;
}

function idsOf(path: string): string[] {
  const there = statSync(path, { throwIfNoEntry: false });
  return there ? [idOf(there)] : [];
}

/** Where one is, over all links; one that is not there is where it would come to be. */
function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const above = dirname(path);
    return above === path ? path : join(realOf(above), basename(path));
  }
}

/** Whether a file is below a path, or is it. */
function holds(path: string, file: Stats): boolean {
  const there = statOf(path);
  if (there === undefined || there.dev !== file.dev) return false;
  if (there.ino === file.ino) return true;
  if (!there.isDirectory() || basename(path) === "node_modules") return false;
  return namesIn(path).some((name) => holds(join(path, name), file));
}

function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
