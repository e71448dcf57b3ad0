import type { Bus } from "#shared/bus";
import type { Clock } from "#shared/clock";
import { asError, DisconnectedError } from "#shared/errors";
import type { CommandId } from "#shared/ids";
import type { Log } from "#shared/log";
import { encodeFile } from "#shared/messages/file-messages";
import type { Handler } from "../commands/handler.ts";
import type { FileBudget } from "./affordable.ts";
import { fetchCommand } from "./fetch-command.ts";
import { canReachFiles, FilePlaces } from "./file-places.ts";
import type { FileTransfers, SayOfFile } from "./file-transfers.ts";
import { putCommand } from "./put-command.ts";

/** Which files the console may have, and where it may put some: by this machine's own settings. */
export interface FileAccess {
  /** Absolute directories. */
  readonly fetchFrom: readonly string[];
  readonly putInto: readonly string[];
  /** The agent's own files and directories, and what it runs. */
  readonly own: readonly string[];
}

export interface FileCommandsOptions {
  readonly access: FileAccess | undefined;
  readonly transfers: FileTransfers;
  readonly bus: Pick<Bus, "publish">;
  readonly topic: (id: CommandId) => string;
  readonly clock: Clock;
  readonly budget: FileBudget | undefined;
  readonly log: Log;
}

/** `fetch` and `put`, as far as this machine allows any directory for them. */
export function fileCommands(options: FileCommandsOptions): Record<string, Handler> {
  const { access, transfers, clock, budget, log } = options;
  const { fetchFrom, putInto, own } = access ?? { fetchFrom: [], putInto: [], own: [] };
  if (fetchFrom.length + putInto.length === 0) return {};
  if (!canReachFiles()) {
    log.warn({}, "files are not fetched and put here: that needs Linux");
    return {};
  }
  const parts = {
    places: new FilePlaces({ from: fetchFrom, into: putInto, own }),
    transfers,
    say: sayer(options),
    clock,
    budget,
  };
  return {
    ...(fetchFrom.length > 0 ? { fetch: fetchCommand(parts) } : {}),
    ...(putInto.length > 0 ? { put: putCommand(parts) } : {}),
  };
}

function sayer({ bus, topic, log }: FileCommandsOptions): SayOfFile {
  return async (id, message) => {
    try {
      await bus.publish(topic(id), encodeFile(message, "cbor"), { qos: 0 });
    } catch (thrown) {
      if (!(thrown instanceof DisconnectedError))
        log.error({ err: asError(thrown) }, "a file's piece could not be sent");
    }
  };
}
