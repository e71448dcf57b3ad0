import { join } from "node:path";
import { isDiskFull } from "#disk/full-disk";
import { systemClock as clock } from "#shared/clock";
import { asError } from "#shared/errors";
import type { Lifetime } from "#shared/lifetime";
import { createLog } from "#shared/log";
import type { Settings } from "#shared/settings";
import type { MosquittoSide } from "../../broker/mosquitto-side.ts";
import type { MosquittoFiles } from "./administration.ts";
import type { State } from "../../console/state.ts";

/** Mosquitto's side of the accounts and of the table of rules, beside the data. */
export async function mosquittoSide({ data, root }: Settings): Promise<MosquittoSide> {
  const { MosquittoSide } = await import("../../broker/mosquitto-side.ts");
  const side = new MosquittoSide({ directory: join(data, "mosquitto"), root, clock });
  side.start();
  return side;
}

/** @param changed whose connections there end @param told whether there is somebody who wants to hear of it */
export async function rewriteMosquittoFiles(
  side: MosquittoSide,
  { accounts, mqttSecrets }: State,
  changed?: ReadonlySet<string>,
  told = true,
): Promise<MosquittoFiles> {
  const { reloadByHand } = await import("../../broker/mosquitto-reload.ts");
  await accounts.synced();
  // People log in there with a secret of few rounds, if they have one; programs have no other.
  const all = accounts.list().flatMap(({ name, role, hash, groups }) => {
    if (groups) return [];
    const own = role === "device" || role === "console" ? hash : mqttSecrets.hashOf(name);
    return own === undefined ? [] : [{ name, role, hash: own }];
  });
  const { dear, reload } = await side.write(all, changed);
  if (told && dear.length > 0)
    process.stderr.write(
      `muster: not in Mosquitto's password file, because their secrets were not generated: ${dear.join(", ")}; give them new ones with: npx muster enroll NAME --secret\n`,
    );
  return { directory: side.directory, byHand: told ? reloadByHand(reload) : undefined };
}

/** Milliseconds until it is seen whether a full disk has room for Mosquitto's files. */
const roomAskedEvery = 10_000;

/** Accounts that change while the console runs change at Mosquitto as well. */
export async function keepMosquittoFiles(values: Settings, state: State, lifetime: Lifetime): Promise<void> {
  const log = createLog("console", values.logLevel);
  let cancelRetry = (): void => {};
  const side = await mosquittoSide(values);
  let changed = new Set<string>();
  let writing: Promise<void> | undefined;
  let again = false;
  const write = async (): Promise<void> => {
    const ending = changed;
    changed = new Set();
    try {
      const { byHand } = await rewriteMosquittoFiles(side, state, ending);
      if (byHand !== undefined) log.warn({}, byHand);
    } catch (error) {
      for (const name of ending) changed.add(name);
      log.error({ err: asError(error) }, "Mosquitto's files do not have the newest accounts");
      if (isDiskFull(error)) cancelRetry = clock.after(roomAskedEvery, begin);
    }
    writing = undefined;
    if (again) begin();
  };
  const begin = (): void => {
    cancelRetry();
    again = writing !== undefined;
    writing ??= write();
  };
  // Those of before do for now where there is no room.
  await rewriteMosquittoFiles(side, state).catch((thrown: unknown) => {
    if (!isDiskFull(thrown)) throw thrown;
    begin();
  });
  const end = state.accounts.changes.on(({ name, what }) => {
    if (what !== "account") return;
    changed.add(name);
    begin();
  });
  lifetime.add(async () => {
    end();
    again = false;
    await writing;
    cancelRetry();
  });
}
