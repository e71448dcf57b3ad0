import { availableParallelism, cpus, loadavg, uptime as bootSeconds } from "node:os";
import { usages, type CpuTicks } from "./cpu.ts";
import { usedPercent } from "./disk.ts";
import { share } from "./mem.ts";
import { space } from "./swap.ts";
import { uptime } from "./system.ts";
import type { Collector, Reading } from "./collector.ts";

type Fields = Reading["fields"];
/** Loaded when the first sample needs it: 12 MB that an agent on Linux never pays here. */
// oxlint-disable-next-line typescript/consistent-type-imports -- there is no other way to name what a dynamic import gives
type Information = typeof import("systeminformation");
const information = (): Promise<Information> => import("systeminformation");

/**
 * The same measurements on macOS, Windows and the BSDs, as far as these systems tell: node:os for processors and load,
 * systeminformation for the rest. Its functions are called without arguments only. What a system does not know it
 * gives as null, which leaves the field out.
 */
export function portable(): Collector[] {
  return [
    cpu(),
    asking("mem", mem),
    asking("disk", disk),
    asking("diskio", diskio),
    asking("net", net),
    system(),
    asking("processes", processes),
    asking("temp", temp),
  ];
}

function asking(name: string, ask: (si: Information) => Promise<Reading[]>): Collector {
  return { name, sample: async () => ask(await information()) };
}

function one(measurement: string, fields: Fields, tags: Reading["tags"] = {}): Reading {
  return { measurement, tags, fields };
}

/** Null and undefined are no numbers, and what is no finite number is left out of the sample. */
const known = (value: number | null | undefined): number => value ?? Number.NaN;

function cpu(): Collector {
  let last = new Map<string, CpuTicks>();
  return {
    name: "cpu",
    sample() {
      const now = ticks();
      const readings = usages(last, now);
      last = now;
      return readings;
    },
  };
}

/** In the order of /proc/stat, with zeros for the kinds of time that only Linux tells apart. */
function ticks(): Map<string, CpuTicks> {
  const total = [0, 0, 0, 0, 0, 0];
  const processors = new Map<string, CpuTicks>();
  for (const [at, { times }] of cpus().entries()) {
    const own = [times.user, times.nice, times.sys, times.idle, 0, times.irq];
    for (const [kind, value] of own.entries()) total[kind] = (total[kind] ?? 0) + value;
    processors.set(`cpu${at}`, own);
  }
  return processors.set("cpu-total", total);
}

function system(): Collector {
  return {
    name: "system",
    sample() {
      // Windows has no load average, and Node says 0 for it.
      const [load1, load5, load15] = process.platform === "win32" ? [] : loadavg();
      const loads = { load1: known(load1), load5: known(load5), load15: known(load15) };
      return [one("system", { ...loads, n_cpus: availableParallelism(), ...uptime(Math.floor(bootSeconds())) })];
    },
  };
}

/** Memory and swap come from one question. */
async function mem(si: Information): Promise<Reading[]> {
  const { total, free, available, swaptotal, swapfree } = await si.mem();
  return [one("mem", { total, free, ...share(total, available) }), one("swap", space(swaptotal, swapfree))];
}

async function disk(si: Information): Promise<Reading[]> {
  const volumes = await si.fsSize();
  return volumes
    .filter(({ size }) => size > 0)
    .map(({ fs, type, size, used, available, mount, rw }) => {
      const fields = { total: size, free: available, used, used_percent: usedPercent(used, available) };
      const mode = rw === null ? "unknown" : rw ? "rw" : "ro";
      return one("disk", fields, { path: mount, device: fs.replace("/dev/", ""), fstype: type.toLowerCase(), mode });
    });
}

/** All disks together: only Linux tells them apart without a child process a disk. Null on Windows. */
async function diskio(si: Information): Promise<Reading[]> {
  const operations = (await si.disksIO()) as Awaited<ReturnType<Information["disksIO"]>> | null;
  const bytes = (await si.fsStats()) as Awaited<ReturnType<Information["fsStats"]>> | null;
  const fields = {
    reads: known(operations?.rIO),
    writes: known(operations?.wIO),
    read_bytes: known(bytes?.rx),
    write_bytes: known(bytes?.wx),
  };
  return [one("diskio", fields, { name: "all" })];
}

/** The default interface. */
async function net(si: Information): Promise<Reading[]> {
  return (await si.networkStats()).map((stats) =>
    one(
      "net",
      {
        bytes_recv: known(stats.rx_bytes),
        bytes_sent: known(stats.tx_bytes),
        err_in: known(stats.rx_errors),
        err_out: known(stats.tx_errors),
        drop_in: known(stats.rx_dropped),
        drop_out: known(stats.tx_dropped),
      },
      { interface: stats.iface },
    ),
  );
}

async function processes(si: Information): Promise<Reading[]> {
  const { all, running, blocked, sleeping, unknown } = await si.processes();
  return [one("processes", { total: all, running, blocked, sleeping, unknown })];
}

async function temp(si: Information): Promise<Reading[]> {
  const { main, cores } = await si.cpuTemperature();
  const single = cores.map((celsius, at) => one("temp", { temp: known(celsius) }, { sensor: `cpu_core_${at}` }));
  return [one("temp", { temp: known(main) }, { sensor: "cpu" }), ...single];
}
