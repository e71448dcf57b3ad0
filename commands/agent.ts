import type { BuildFlags } from "./compose/build-executable.ts";
import { agentFile } from "./compose/join-places.ts";
import type { CommandLine } from "#shared/commandline";
import { EnvironmentError } from "#shared/errors";
import type { Lifetime } from "#shared/lifetime";
import type { SafetyNet } from "#shared/safety-net";
import type { SettingName, Settings } from "#shared/settings";

/** `muster agent`: the agent alone, with a secret that this machine keeps where the URL has none; `join` makes a machine a device. */
export function agent(line: CommandLine): void {
  const sub = line.command("agent", "run the agent alone; or agent join CODE: make this machine a device", "agent");
  sub.action(line.serve(serve));
  sub
    .command("build")
    .description("make one executable of the agent and Node, for machines without Node")
    .requiredOption("--target <name>", "linux-x64, linux-arm64 or linux-armv7l")
    .option(
      "--runtime <directory>",
      "of Node's archives, where the npm registry cannot be reached or another version is wanted",
    )
    .option("--output <file>", "the executable (default: ./muster-agent-TARGET)")
    .action(
      line.once(async (_values, flags: BuildFlags) => {
        const { buildExecutable } = await import("./compose/build-executable.ts");
        await buildExecutable(flags, (text) => void process.stdout.write(`${text}\n`));
      }),
    );
  // Its words are read as the agent's one file reads them, which has the same verbs.
  const others = {
    join: "make this machine a device, by a code of muster enroll",
    leave: "take away what join has installed",
  };
  for (const [verb, help] of Object.entries(others))
    sub
      .command(`${verb} [words...]`)
      .description(`${help} (--help tells more)`)
      .allowUnknownOption()
      .helpOption(false)
      .action(async (words: readonly string[]) => joinOrLeave(verb, words));
}

async function joinOrLeave(verb: string, words: readonly string[]): Promise<void> {
  const { joinByWords, leaveByWords } = await import("../agent/join/join-words.ts");
  if (verb === "leave") return leaveByWords(words);
  const own = agentFile();
  if (own === undefined) throw new EnvironmentError("the agent's file is not here: build it with npm run build");
  await joinByWords(words, own);
}

async function serve(
  values: Settings,
  given: ReadonlySet<SettingName>,
  lifetime: Lifetime,
  net: SafetyNet,
): Promise<void> {
  const { runAgent } = await import("../agent/agent-service.ts");
  const { readSecret } = await import("../console/accounts/secrets.ts");
  await runAgent(values, given, lifetime, net, (device) => readSecret(values.data, device));
}
