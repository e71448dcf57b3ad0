import type { CommandLine } from "#shared/commandline";
import { connect, terminal } from "./compose/connect.ts";

/** `muster group`: the groups that a device is in. */
export function group(line: CommandLine): void {
  line
    .command(
      "group <device> [groups...]",
      "put a device into these groups and no others; without groups, show them",
      "client",
    )
    .option("--none", "take it out of all groups")
    .action(
      line.once(async (values, device: string, groups: readonly string[], { none }: { none?: boolean }) => {
        const client = connect(values);
        const set = groups.length > 0 || none;
        const now = set ? await client.setGroups(device, { groups: [...groups] }) : await client.getGroups(device);
        terminal.out(now.groups.length > 0 ? now.groups.join("\n") : `${device} is in no group`);
      }),
    );
}
