import type { CommandLine } from "#shared/commandline";
import { watchEvents as follow } from "../cli/watch-events.ts";
import { connect, terminal } from "./compose/connect.ts";

/** `muster watch`: what happens, as it happens. */
export function watch(line: CommandLine): void {
  line.command("watch [device]", "print live values, presence and commands until Ctrl-C", "client").action(
    line.once(async (values, device: string | undefined) => {
      const stop = new AbortController();
      process.once("SIGINT", () => stop.abort());
      await follow(connect(values), device, terminal, stop.signal);
    }),
  );
}
