import { systemClock as clock } from "#shared/clock";
import type { Lifetime } from "#shared/lifetime";
import { createLog } from "#shared/log";
import type { Settings } from "#shared/settings";
import type { State } from "../../console/state/state.ts";

/** @param serves whether a console is to work with it */
export async function openData({ data, logLevel }: Settings, lifetime: Lifetime, serves: boolean): Promise<State> {
  const { openState } = await import("../../console/state/state.ts");
  const { AccountWatch } = await import("../../console/accounts/account-watch.ts");
  const log = createLog("console", logLevel);
  const state = openState(data, clock, log, { serves });
  lifetime.add(() => state.close());
  const watch = new AccountWatch(data, state.accounts, log);
  watch.start();
  lifetime.add(() => watch.stop());
  return state;
}
