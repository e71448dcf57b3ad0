import type { CommandLine } from "#shared/commandline";
import type { Lifetime } from "#shared/lifetime";
import type { SafetyNet } from "#shared/safety-net";
import type { SettingName, Settings } from "#shared/settings";

/** `muster agent`: the agent alone, with a secret that this machine keeps where the URL has none. */
export function agent(line: CommandLine): void {
  line.command("agent", "run the agent alone", "agent").action(line.serve(serve));
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
