import type { Collector, Reading } from "./collector.ts";
import type { ProcReader } from "./proc.ts";

/** Kinds of interrupts that are told at most, those that came most often: a server may have thousands, a queue of a card each. */
export const maxInterrupts = 100;

/** How often each kind of interrupt has come since boot, on all processors together. Those that never came are left out. */
export function interrupts(proc: ProcReader): Collector {
  return {
    name: "interrupts",
    sample() {
      const [header = "", ...lines] = (proc.findAgain("/proc/interrupts") ?? "").split("\n");
      const processors = header.trim().split(/ +/).length;
      const all = lines.flatMap((line) => reading(line, processors));
      if (all.length <= maxInterrupts) return all;
      return all.sort((a, b) => Number(b.fields["total"]) - Number(a.fields["total"])).slice(0, maxInterrupts);
    },
  };
}

/** `  36:  0  372890  PCI-MSIX-0000:00:02.0  1-edge  virtio1-req.0`: a count for each processor, the type, and who asked for it. */
function reading(line: string, processors: number): Reading[] {
  const colon = line.indexOf(":");
  if (colon < 0) return [];
  const irq = line.slice(0, colon).trim();
  const words = line
    .slice(colon + 1)
    .trim()
    .split(/ +/);
  let total = 0;
  let at = 0;
  // Some kinds (ERR, MIS) have one count for all.
  for (; at < processors && /^\d+$/.test(words[at] ?? ""); at += 1) total += Number(words[at]);
  if (total === 0) return [];
  const [type = "", ...device] = words.slice(at);
  const numbered = /^\d+$/.test(irq);
  const tags = numbered ? { irq, type, device: device.join(" ") } : { irq, type: words.slice(at).join(" ") };
  return [{ measurement: "interrupts", tags, fields: { total } }];
}
