import { existsSync } from "node:fs";
import { join } from "node:path";
import { systemClock as clock } from "#shared/clock";
import type { CommandLine } from "#shared/commandline";
import { createLog } from "#shared/log";
import type { Administration } from "./administration.ts";
import { mosquittoSide, rewriteMosquittoFiles, type MosquittoFiles } from "./keep-mosquitto.ts";

/** One of the commands about accounts, on the data directory. */
export function administer<A extends unknown[]>(
  line: CommandLine,
  act: (administration: Administration, ...parameters: A) => Promise<void>,
) {
  return line.once(async (values, ...parameters: A) => {
    const { openState } = await import("../../console/state/state.ts");
    const state = openState(values.data, clock, createLog("console", values.logLevel), { syncsEach: true });
    const out = (text: string): void => void process.stdout.write(`${text}\n`);
    const side = await mosquittoSide(values);
    const changed = new Map<string, Set<string>>();
    state.accounts.changes.on(({ name, what }) => what === "account" && side.note(changed, name));
    // Whoever uses the embedded broker alone has files for Mosquitto all the same, and need not hear of them each time.
    const isUsed = values.mqttUrl !== undefined || existsSync(join(side.directory, "mosquitto.pid"));
    const writeFiles = (asked = isUsed): Promise<MosquittoFiles> => rewriteMosquittoFiles(side, state, changed, asked);
    await act({ values, state, writeMosquittoFiles: writeFiles, out }, ...parameters).finally(() => state.close());
  });
}
