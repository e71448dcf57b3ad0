import { BadInputError } from "#shared/errors";
import { forTerminal } from "#shared/printable";

/** A kind of machine that Node runs on. */
export interface MachineKind {
  readonly name: "linux-x64" | "linux-arm64" | "linux-armv7l";
  /** The version of npm's package `node-NAME` that is taken; for armv7l there is no newer one. */
  readonly version: string;
  /** As `uname -m` tells it there; a 64-bit kernel may run 32-bit programs. */
  readonly machines: readonly string[];
  /** `e_machine` of its executables. */
  readonly elf: number;
}

const targets: readonly MachineKind[] = [
  { name: "linux-x64", version: "22.23.3", machines: ["x86_64"], elf: 62 },
  { name: "linux-arm64", version: "22.23.3", machines: ["aarch64"], elf: 183 },
  { name: "linux-armv7l", version: "20.11.0", machines: ["armv7l", "armv8l", "aarch64"], elf: 40 },
];

export const targetNames = targets.map(({ name }) => name);

/** @throws BadInputError where there is none of that name */
export function machineKindOf(name: string): MachineKind {
  const found = targets.find((one) => one.name === name);
  if (found) return found;
  throw new BadInputError(`${forTerminal(name, 40)} is no target: expected ${targetNames.join(", ")}`);
}
