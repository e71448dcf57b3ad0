import type { CommandLine } from "#shared/commandline";
import { terminal } from "./compose/connect.ts";
import type { FlashFlags } from "./compose/flash-machines.ts";

/** `muster flash`: the agent onto a card, or onto machines by ssh. */
export function flash(line: CommandLine): void {
  line
    .command("flash", "put the agent onto a card or an image, or onto machines by ssh", "enroll")
    .option("--boot <directory>", "a card's boot partition, where it is mounted: the first boot installs the agent")
    .option("--image <file>", "the image of a card, changed by mtools without mounting it")
    .option("--ssh <host...>", "machines that ssh reaches, such as pi@rpi-7: installs, or upgrades what is there")
    .option("--device <name>", "the device's name; by ssh a machine's own name unless given")
    .option(
      "--code <code>",
      "of muster enroll, where this machine does not reach the console; - for one on standard input",
    )
    .option("--group <name...>", "groups that a new device is put into")
    .option("--origin <url>", "where the device reaches the console, such as https://muster.lan:3000")
    .option(
      "--target <name...>",
      "the card's processor: linux-arm64 (default), linux-armv7l, linux-x64; several are tried there in turn",
    )
    .option("--runtime <directory>", "of Node's archives, as for agent build")
    .option("--no-runtime", "carry no Node: the machine has 18.19 or newer")
    .option("--settings <file>", "the agent's muster.toml")
    .option("--dir <directory>", "where the agent is put there (default: /var/lib/muster-agent)")
    .option("--no-service", "in the background, and not as a service")
    .option("--ssh-config <file>", "for ssh, in place of ~/.ssh/config")
    .option("--dry-run", "look, say what would be done, and change nothing")
    .option("--undo", "take back what flash has done: the card as it was, or the agent away")
    .action(
      line.once(async (values, flags: FlashFlags) => {
        const { flashMachines } = await import("./compose/flash-machines.ts");
        if (!(await flashMachines(values, flags, { say: (line) => terminal.out(line) }))) process.exitCode = 1;
      }),
    );
}
