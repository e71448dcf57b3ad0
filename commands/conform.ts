import { systemClock as clock } from "#shared/clock";
import type { CommandLine } from "#shared/commandline";
import { BadInputError, EnvironmentError } from "#shared/errors";
import { parseDeviceId } from "#shared/ids";
import { createLog } from "#shared/log";
import { generateSecret } from "#shared/password";
import type { Settings } from "#shared/settings";
import { Topics } from "#shared/topics";

const help = `
It opens a broker of its own and plays the console there, because it withholds acknowledgements and cuts connections, which nobody wants in a
running fleet. Start the agent as it says; what comes is kept nowhere. Exit status: 0 where everything is as the protocol says.

Examples:
  muster conform my-agent --mqtt-port 1884
  muster conform my-agent --secret s3cret --mqtt-port 1884 --key report --slow blink --slow-args '{"times":50}'`;

interface Flags {
  readonly secret?: string;
  readonly key: string;
  readonly args?: string;
  readonly once?: string;
  readonly onceArgs?: string;
  readonly slow?: string;
  readonly slowArgs?: string;
}

/** `muster conform`: whether any agent does as the protocol says. */
export function conform(line: CommandLine): void {
  line
    .command("conform <device>", "check any agent against the protocol, over a broker of its own", "conform")
    .option("--secret <secret>", "the secret that the agent has; made and printed where none is given")
    .option("--key <key>", "a command that it carries out at once and that harms nothing", "ping")
    .option("--args <json>", "the arguments of that")
    .option("--once <key>", "one that ends at once and may not run twice")
    .option("--once-args <json>", "the arguments of that")
    .option("--slow <key>", "a command that takes some seconds, to be withdrawn while it runs")
    .option("--slow-args <json>", "the arguments of that")
    .addHelpText("after", help)
    .action(line.once(check));
}

async function check(values: Settings, name: string, flags: Flags): Promise<void> {
  const { Broker } = await import("../broker/broker.ts");
  const { Stage } = await import("../cli/conform/stage.ts");
  const { conformLine, runConform } = await import("../cli/conform/run-conform.ts");
  const device = parseDeviceId(name);
  const { listen, mqttPort: port, root, logLevel } = values;
  const secret = flags.secret ?? generateSecret();
  const slow = flags.slow === undefined ? undefined : { key: flags.slow, args: argsIn(flags.slowArgs) };
  const single = flags.once === undefined ? undefined : { key: flags.once, args: argsIn(flags.onceArgs) };
  const asked = { key: flags.key, args: argsIn(flags.args), slow, single };
  const log = createLog("broker", logLevel);
  const broker = new Broker({
    listen,
    port,
    root,
    clock,
    log,
    authenticate: async (user, given) =>
      user === device && String(given) === secret ? { name: device, role: "device" } : undefined,
    groupsOf: () => [],
  });
  const bound = await broker.start();
  const stage = new Stage({
    device,
    bus: broker.local(),
    topics: new Topics(root),
    clock,
    cutOff: () => broker.disconnect(device),
  });
  try {
    await stage.start();
    const shown = flags.secret === undefined ? secret : "SECRET";
    process.stdout.write(`start the agent now, with the broker mqtt://${device}:${shown}@${listen}:${bound.port}\n`);
    const tell = (finding: Parameters<typeof conformLine>[0]): void =>
      void process.stdout.write(`${conformLine(finding)}\n`);
    const found = await runConform(stage, asked, { tell });
    const wrong = found.filter(({ mark }) => mark === "bad").length;
    process.stdout.write(
      wrong === 0
        ? `${device} does as the protocol says\n`
        : `${wrong} of ${found.length} are not as the protocol says: docs/protocol.md\n`,
    );
    process.exitCode = wrong === 0 ? 0 : 1;
  } catch (cause) {
    throw new EnvironmentError(`the check could not go on: ${String(cause)}`, { cause });
  } finally {
    await stage.stop();
    await broker.stop();
  }
}

function argsIn(text = "{}"): Record<string, never> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, never>;
  } catch {
    // Said below.
  }
  throw new BadInputError(`${text} are no arguments: expected a JSON object, such as {"times":50}`);
}
