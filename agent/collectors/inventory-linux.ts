import { processorCounter } from "./system.ts";
import type { ProcReader } from "./proc.ts";

/** What Linux tells of its machine in files, so that an agent there never loads the library which asks elsewhere. */
export function linuxFacts(proc: ProcReader): Record<string, unknown> {
  const release = osRelease(proc.find("/etc/os-release") ?? proc.find("/usr/lib/os-release") ?? "");
  const processor = proc.find("/proc/cpuinfo") ?? "";
  const dmi = (name: string): string | undefined => proc.find(`/sys/class/dmi/id/${name}`)?.trim();
  // Boards without a BIOS describe themselves in a device tree, whose texts end with a zero byte.
  const board = proc.find("/proc/device-tree/model")?.replaceAll("\0", "");
  const [manufacturer, model] = [dmi("sys_vendor"), dmi("product_name") ?? board];
  return {
    distro: release.get("NAME"),
    release: release.get("VERSION_ID"),
    manufacturer,
    model,
    // Most ARM processors have no name of their own there, but the chip that they sit in has.
    cpu: line(processor, "model name") ?? line(processor, "Hardware"),
    physical_cores: processorCounter(proc)()["n_physical_cpus"],
    virtual: isVirtual(proc, processor, `${manufacturer} ${model}`),
  };
}

/** os-release(5): `NAME="Debian GNU/Linux"`, with or without quotes. */
function osRelease(text: string): Map<string, string> {
  const entries = [...text.matchAll(/^([A-Z_]+)=(["']?)(.*)\2$/gm)];
  return new Map(entries.map(([, name = "", , value = ""]) => [name, value]));
}

/** The first value of such a line in /proc/cpuinfo. */
function line(text: string, name: string): string | undefined {
  return new RegExp(`^${name}\\s*: (.+)$`, "m").exec(text)?.[1];
}

/** Hypervisors tell a guest on x86 by a flag of its processors, elsewhere by the name of the machine they make up. */
function isVirtual(proc: ProcReader, processor: string, machine: string): boolean {
  if (/^flags\s*:.* hypervisor( |$)/m.test(processor)) return true;
  if (proc.find("/sys/hypervisor/type") !== undefined) return true;
  return /\b(virtualbox|virtual machine|kvm|qemu|bochs|vmware|xen|droplet)\b/i.test(machine);
}
