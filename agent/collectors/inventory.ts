import * as os from "node:os";
import { systemClock, type Clock } from "#shared/clock";
import { linuxFacts } from "./inventory-linux.ts";
import { ProcReader } from "./proc.ts";

/** What a device's presence says about its machine: flat, and without serial numbers. */
export type Facts = Record<string, string | number | boolean>;

/** Milliseconds for all questions together; what is not known by then is left out. */
const deadline = 4_000;

/**
 * Facts about this machine: `os`, `kernel`, `arch`, `hostname`, `node`, `cores` and `memory` (bytes) always, and as far
 * as the system tells them `platform`, `distro`, `release`, `cpu`, `physical_cores`, `manufacturer`, `model`, `virtual`.
 * Never rejects. Reads files on Linux; elsewhere it runs a few short child processes, so ask once a start.
 * @param gather tells what it finds when it finds it
 */
export async function inventory(clock: Clock = systemClock, gather: Gather = ofThisSystem()): Promise<Facts> {
  const facts = basics();
  const gathering = gather((found) => Object.assign(facts, known(found))).catch(() => undefined);
  let cancel: (() => void) | undefined;
  const late = new Promise<void>((resolve) => {
    cancel = clock.after(deadline, resolve);
  });
  await Promise.race([gathering, late]);
  cancel?.();
  // A copy, so that a late answer does not change what was given.
  return { ...facts };
}

type Gather = (found: (facts: Record<string, unknown>) => void) => Promise<unknown>;

function ofThisSystem(): Gather {
  if (process.platform !== "linux") return askLibrary;
  return async (found) => found(linuxFacts(new ProcReader()));
}

function basics(): Facts {
  return {
    os: os.type(),
    platform: os.platform(),
    kernel: os.release(),
    arch: os.arch(),
    hostname: os.hostname(),
    cores: os.cpus().length,
    memory: os.totalmem(),
    node: process.versions.node,
    // Node before 22 does not know the processors of most ARM machines.
    ...known({ cpu: os.cpus()[0]?.model }),
  };
}

/** Each question fails by itself. The library is loaded here and not above: it costs 12 MB. */
export async function askLibrary(found: (facts: Record<string, unknown>) => void): Promise<void> {
  const si = await import("systeminformation");
  const questions = [
    si.osInfo().then(({ distro, release }) => found({ distro, release })),
    si.system().then(({ manufacturer, model, virtual }) => found({ manufacturer, model, virtual })),
    si
      .cpu()
      .then(({ manufacturer, brand, physicalCores }) =>
        found({ cpu: `${manufacturer} ${brand}`.trim(), physical_cores: physicalCores }),
      ),
  ];
  await Promise.allSettled(questions);
}

/** What vendors leave empty, or fill in with such words, is no fact. */
const blank =
  /^(|-|unknown|none|n\/a|not specified|default string|system manufacturer|system product name|to be filled.*)$/i;

function known(found: Record<string, unknown>): Facts {
  const facts: Facts = {};
  for (const [name, value] of Object.entries(found)) {
    if (typeof value === "string" && !blank.test(value.trim())) facts[name] = value.trim().slice(0, 256);
    if (typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value))) facts[name] = value;
  }
  return facts;
}
