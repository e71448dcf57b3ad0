import { join } from "node:path";
import { constants, gzipSync } from "node:zlib";
import { layoutIn } from "../agent/install/layout.ts";
import { openRcText, unitText } from "../agent/install/service-texts.ts";
import { starterText } from "../agent/install/starter.ts";
import { installText } from "./install-text.ts";
import type { MachineKind } from "./machine-kinds.ts";

/** What is carried to a machine: everything that an installation is made of. */
export interface Payload {
  /** The agent's one file. */
  readonly agent: Buffer;
  /** Node, for machines that have none: the first that runs there is taken. */
  readonly runtimes: readonly { readonly kind: MachineKind; readonly node: Buffer }[];
  /** By which it joins; undefined where it has joined. */
  readonly code?: string | undefined;
  /** `muster.toml`. */
  readonly settings?: Buffer | undefined;
  /** Where it is installed there. */
  readonly directory: string;
  /** By the machine's service manager; otherwise it runs beside it, and a restart of the machine ends it. */
  readonly service: boolean;
  /** This machine's clock (epoch ms): one without a battery is set to it there, where it is behind. */
  readonly now: number;
  /** Of gzip, 1 to 9: how much time its compression may take; the usual one where it is not given. */
  readonly level?: number | undefined;
}

export const installName = "install.sh";
/** The file with the code by which it joins, one line. */
export const codeName = "join-code";

/** Files for one directory, in which {@link installName} is run there. */
export function payloadFiles({
  agent,
  runtimes,
  code,
  settings,
  directory,
  service,
  now,
  level,
}: Payload): Map<string, Buffer> {
  const layout = layoutIn(directory, join(directory, "node"));
  const codeFile = join(directory, "join-code");
  const options = { flags: ["--join-file", codeFile] };
  const names = runtimes.map(({ kind }) => `node-${kind.name}.gz`);
  const files = new Map<string, Buffer>([
    [installName, Buffer.from(installText({ directory, codeFile, names, service, now }))],
    ["muster-agent.cjs", agent],
    ["start.sh", Buffer.from(starterText(layout))],
    ["muster-agent.service", Buffer.from(unitText(layout, options))],
    ["muster-agent.openrc", Buffer.from(openRcText(layout, options))],
  ]);
  for (const [at, { node }] of runtimes.entries())
    files.set(names[at] ?? "", gzipSync(node, { level: level ?? constants.Z_DEFAULT_COMPRESSION }));
  if (code !== undefined) files.set(codeName, Buffer.from(`${code.trim()}\n`));
  if (settings !== undefined) files.set("muster.toml", settings);
  return files;
}
