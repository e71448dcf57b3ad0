import { userInfo } from "node:os";
import type { Settings } from "#shared/settings";
import type { AuditEvent } from "../../console/audit/entry.ts";
import type { State } from "../../console/state/state.ts";
import type { MosquittoFiles } from "./keep-mosquitto.ts";

/** What the commands about accounts act on. */
export interface Administration {
  readonly values: Settings;
  readonly state: State;
  /**
   * Writes an external Mosquitto's password and access files, and has it read them.
   * @returns their directory; and what is left to be done by hand, where it could not be told
   */
  /** @param asked whether somebody wants to hear of Mosquitto, also where nothing says that it is the broker */
  readonly writeMosquittoFiles: (asked?: boolean) => Promise<MosquittoFiles>;
  readonly out: (text: string) => void;
}

/** Who works on the data directory itself, for the audit log. */
export const cliUser = (): Pick<AuditEvent, "who" | "from"> => ({ who: userName(), from: "cli" });

/** Who runs this program; a container need not have a name for it. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return "somebody";
  }
}
