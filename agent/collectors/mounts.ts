import { isUtf8 } from "node:buffer";
import type { NameFilter } from "./name-filter.ts";
import type { ProcReader } from "./proc.ts";

export interface Mount {
  /** For people; what is no UTF-8 of it is written as `\\xE4`. */
  readonly path: string;
  /** For the system, which names files by bytes. */
  readonly bytes: Buffer;
  /** Without `/dev/`. */
  readonly device: string;
  readonly fstype: string;
  readonly mode: string;
}

/** Telegraf's default `ignore_fs`, and autofs, which must not be looked at: that would mount it. */
const ignored = ["tmpfs", "devtmpfs", "devfs", "iso9660", "overlay", "aufs", "squashfs", "autofs"];
/** Never of any size, so that asking them is in vain. */
const sizeless = ["proc", "sysfs", "devpts", "cgroup", "cgroup2", "mqueue", "debugfs", "tracefs", "securityfs"];
const alsoSizeless = ["pstore", "bpf", "configfs", "fusectl", "binfmt_misc", "rpc_pipefs", "nsfs", "selinuxfs"];
const unasked = new Set([...ignored, ...sizeless, ...alsoSizeless]);

/**
 * Tells the mounts of this process that may have a size. proc(5), a line of mountinfo:
 * `36 35 98:0 /root /path rw,noatime master:1 - ext3 /dev/root rw,errors=continue`
 */
export function mounts(proc: ProcReader, wanted: NameFilter): () => readonly Mount[] {
  let text = "";
  let known: readonly Mount[] = [];
  return () => {
    const now = proc.again("/proc/self/mountinfo", "latin1");
    // Mounts stay for days, and taking their lines apart takes longer than all else about them.
    if (now !== text) known = parse(now, proc).filter(({ path }) => wanted(path));
    text = now;
    return known;
  };
}

function parse(text: string, proc: ProcReader): Mount[] {
  const byPath = new Map<string, Mount>();
  for (const line of text.split("\n")) {
    const [place = "", source = ""] = line.split(" - ", 2);
    const [fstype = "", device = ""] = source.split(" ", 2);
    const [, , numbers = "", , path = "", options = ""] = place.split(" ", 6);
    if (!fstype) continue;
    // What is mounted last on a path hides what was there before.
    const bytes = unescape(path);
    const mount = {
      path: readable(bytes),
      bytes,
      device: deviceName(readable(unescape(device)), numbers, proc),
      fstype,
      mode: mode(options),
    };
    byPath.delete(mount.path);
    if (!unasked.has(fstype)) byPath.set(mount.path, mount);
  }
  return [...byPath.values()];
}

/** The kernel writes space, tab, newline and backslash as three octal digits, and all other bytes as they are. */
function unescape(text: string): Buffer {
  const plain = text.includes("\\")
    ? text.replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)))
    : text;
  return Buffer.from(plain, "latin1");
}

/** Two names of other bytes stay two names. */
function readable(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString();
  const hex = (byte: string): string => `\\x${byte.charCodeAt(0).toString(16).toUpperCase()}`;
  return bytes.toString("latin1").replace(/[\u0080-\u00ff]/g, hex);
}

/** `/dev/root` and `/dev/mapper/…` are other names; the device behind them is what /proc/diskstats knows. */
function deviceName(device: string, numbers: string, proc: ProcReader): string {
  const target =
    device === "/dev/root"
      ? proc.link(`/sys/dev/block/${numbers}`)
      : device.startsWith("/dev/mapper/") && proc.link(device);
  return target ? target.slice(target.lastIndexOf("/") + 1) : device.replaceAll("/dev/", "");
}

function mode(options: string): string {
  const flags = options.split(",");
  return flags.includes("rw") ? "rw" : flags.includes("ro") ? "ro" : "unknown";
}
