import { parseArgs } from "node:util";
import { asError, SettingsError } from "#shared/errors";
import { join, leave } from "./join-verbs.ts";

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const usage = `Usage: node muster-agent.cjs join <code | -> [options]
       node muster-agent.cjs join <console's URL> --ask
       node muster-agent.cjs leave [--dir <directory>] [--yes]

Makes this machine a device of the console that the code is of, installs the agent and starts it; or takes it away.

  --join-file <file>   the code in a file
  --ask                without a code: a person at the console is asked, and compares a fingerprint
  --dir <directory>    where the agent is put (default: /var/lib/muster-agent for root, else ~/.muster-agent)
  --no-service         in the background, and not as a service of systemd
  --yes                leave without being asked
  --dry-run            look whether it could be done, and change nothing
`;

/** `join`, by the words behind it. @param own this program's file */
export async function joinByWords(words: readonly string[], own: string): Promise<void> {
  const { values, positionals } = read(words);
  if (values.help) return void process.stdout.write(usage);
  const flags = {
    code: positionals[0],
    joinFile: values["join-file"],
    dir: values.dir,
    dryRun: values["dry-run"],
    ask: values.ask,
  };
  await join({ ...flags, service: values["no-service"] !== true }, own, say);
}

export async function leaveByWords(words: readonly string[]): Promise<void> {
  const { values } = read(words);
  if (values.help) return void process.stdout.write(usage);
  await leave({ dir: values.dir, yes: values.yes }, say);
}

function read(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        "join-file": { type: "string" },
        ask: { type: "boolean" },
        dir: { type: "string" },
        "no-service": { type: "boolean" },
        "dry-run": { type: "boolean" },
        yes: { type: "boolean" },
        help: { type: "boolean" },
      },
    });
  } catch (error) {
    throw new SettingsError([`${asError(error).message} (--help tells more)`]);
  }
}
