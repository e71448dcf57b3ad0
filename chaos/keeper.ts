import { systemClock as clock } from "#shared/clock";
import { createLog } from "#shared/log";
import { makeBackup } from "../console/backup/make-backup.ts";
import { restoreBackup } from "../console/backup/restore-backup.ts";

/**
 * What `muster backup` and `muster restore --force` do, as a process of its own, as they are: whoever closes a file of a database gives up
 * every lock that his process has on it.
 */
const [, , verb, directory = "", file = ""] = process.argv;
const log = createLog("keeper", "info");
if (verb === "backup") makeBackup({ directory, file, now: clock.now(), progress: () => {} });
else restoreBackup({ file, directory, force: true, who: "chaos", clock, log });
