import type { CommandLine } from "#shared/commandline";
import { BadInputError } from "#shared/errors";
import { readBundle } from "#shared/pinned-ca";
import { secretFrom } from "#shared/secret-input";
import type { Settings } from "#shared/settings";

const help = `
The URL holds the login that the console is to have, mqtt://NAME:SECRET@HOST:PORT; in MUSTER_MQTT_URL no other user of this machine can read
it. It takes some ten seconds, over topics that are nobody's, and leaves nothing behind. Where a name has one connection, as at Mosquitto with
the shipped settings, stop the console meanwhile, or look with another account: the two would throw each other out.
Exit status: 0 Muster works with the broker; 1 it does not, or somebody was in the way.`;

/** `muster check-broker`: what somebody else's broker is like. */
export function checkBroker(line: CommandLine): void {
  line
    .command(
      "check-broker [url]",
      "look at a broker of somebody else's: what Muster needs of it, and what to know of it",
      "check-broker",
    )
    .option(
      "--second-account [name:secret]",
      "a device's account, to see whether it can read and write what is another's",
    )
    .option("--second-account-file <file>", "the same from a file's first line")
    .addHelpText("after", help)
    .action(line.once(look));
}

/** Says in words what a broker is like, for Muster. */
async function look(
  { root, mqttUrl, ca }: Settings,
  given: string | undefined,
  { secondAccount, secondAccountFile }: { secondAccount?: string | true; secondAccountFile?: string },
): Promise<void> {
  const { runChecks: check } = await import("../cli/check-broker/run-checks.ts");
  const report = await import("../cli/broker-findings.ts");
  const url = given ?? mqttUrl;
  if (url === undefined)
    throw new BadInputError("which broker? Expected a URL such as mqtt://console:SECRET@host:1883, or MUSTER_MQTT_URL");
  const account = { flag: "--second-account", value: secondAccount, file: secondAccountFile };
  const other = await secretFrom(account);
  const trusted = ca === undefined ? undefined : readBundle(ca);
  const options = {
    ...report.brokerToCheck(url),
    root,
    ca: trusted,
    ...(other ? { second: report.secondAccount(other) } : {}),
  };
  const found = await check(options, (finding) => process.stdout.write(`${report.findingLine(finding)}\n`));
  process.stdout.write(`${report.brokersVerdict(found)}\n`);
  if (found.some(({ mark, givenUp }) => mark === "bad" || givenUp)) process.exitCode = 1;
}
