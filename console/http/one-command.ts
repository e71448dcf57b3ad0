import type { CommandId, DeviceId } from "#shared/ids";
import type { Command } from "../desk/command.ts";
import type { Desk } from "../desk/desk.ts";
import type { Reach } from "../jobs/target.ts";
import { HttpError } from "./problem.ts";

/** The command that a person means by its id; where several devices have had it, only with one of them. @throws HttpError */
export function oneCommand(
  desk: Pick<Desk, "find" | "withId">,
  id: CommandId,
  device: DeviceId | undefined,
  reaches: Reach = () => true,
): Command {
  const found = device === undefined ? desk.withId(id) : [desk.find(device, id)];
  const [command, ...others] = found.filter((known) => known !== undefined).filter((known) => reaches(known.device));
  if (!command) {
    const where = device === undefined ? "" : ` on ${device}`;
    throw new HttpError(404, `there is no command "${id}"${where}; GET /api/commands lists them`);
  }
  if (others.length === 0) return command;
  const devices = [command, ...others].map((known) => known.device);
  throw new HttpError(
    409,
    `"${id}" is a command of ${devices.join(", ")}: say which with ?device=${command.device}, or --device ${command.device}`,
    { devices },
  );
}
