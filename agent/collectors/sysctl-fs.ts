import type { Collector } from "./collector.ts";
import type { ProcReader } from "./proc.ts";

/** The files of /proc/sys/fs and what their numbers are, in their order; those without a name never mean anything. */
const files: readonly (readonly [file: string, fields: readonly string[]])[] = [
  ["file-nr", ["file-nr", "", "file-max"]],
  ["inode-state", ["inode-nr", "inode-free-nr", "inode-preshrink-nr"]],
  ["dentry-state", ["dentry-nr", "dentry-unused-nr", "dentry-age-limit", "dentry-want-pages"]],
  ["aio-nr", ["aio-nr"]],
  ["aio-max-nr", ["aio-max-nr"]],
];
/** The kernel says "no limit" by a number of 64 bits that none of ours can hold; the largest that they can stands for it. */
const largest = Number.MAX_SAFE_INTEGER;

/** How many files, inodes and names the kernel holds, and how many it may. */
export function sysctlFs(proc: ProcReader): Collector {
  return {
    name: "linux_sysctl_fs",
    sample() {
      const fields: Record<string, number> = {};
      for (const [file, names] of files) {
        const values = proc.findAgain(`/proc/sys/fs/${file}`)?.trim().split(/\s+/) ?? [];
        for (const [at, name] of names.entries())
          if (name !== "" && values[at] !== undefined) fields[name] = Math.min(largest, Number(values[at]));
      }
      return [{ measurement: "linux_sysctl_fs", tags: {}, fields }];
    },
  };
}
