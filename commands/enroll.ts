import type { CommandLine } from "#shared/commandline";
import { BadInputError } from "#shared/errors";
import { isLoopback } from "#shared/loopback";
import type { Settings } from "#shared/settings";
import { enroll as enrollByCode, type EnrollFlags } from "../cli/show-enrollments.ts";
import { enrollDevice as enrollBySecret } from "./compose/administer-devices.ts";
import { administer } from "./compose/administer.ts";
import { connect, terminal } from "./compose/connect.ts";
import { flagsOfVerbs } from "./compose/flags-of-verbs.ts";

interface Flags extends EnrollFlags {
  readonly secret?: boolean;
}

/** `muster enroll`: a code by which a machine comes in, from the running console; or a secret to be carried by hand, from its data. */
export function enroll(line: CommandLine): void {
  const bySecret = administer(line, enrollBySecret);
  const byCode = line.once(async (values, name: string | undefined, flags: Flags) =>
    terminal.out(
      await enrollByCode(
        connect(values),
        name,
        { ...flags, origin: flags.origin ?? asked(values) },
        {
          now: Date.now(),
          flags: flagsOfVerbs(values),
        },
      ),
    ),
  );
  line
    .command(
      "enroll [device]",
      "make a code by which a device joins with one pasted line; without a name, list them",
      "enroll",
    )
    .option("--group <name...>", "groups that it is put into")
    .option("--ttl <duration>", "how long the code is good for, 31d at most (default: 1h)")
    .option(
      "--uses <number>",
      "machines that it lets in, each under a name of its own: {hostname}, {serial}, {mac} (default: 1)",
    )
    .option("--again", "for a device that is enrolled and was wiped: its old secret ends when it joins")
    .option("--certificate", "by a certificate in place of a secret, which the device renews by itself")
    .option("--origin <url>", "where the device reaches the console, such as https://muster.lan:3000")
    .option("--qr", "also draw the line as a QR code, for a phone with a shell on the device")
    .option("--revoke <code>", "let nobody in by this one any more")
    .option("--list", "list the codes, and who came in by each")
    .option("--requests", "list machines that ask without a code (join CONSOLE --ask), with their fingerprints")
    .option("--approve <id>", "let the one with this id in under the name: compare its fingerprint first")
    .option("--deny <id>", "do not let it in")
    .option("--json", "print the API's documents")
    .option("--secret", "print a secret to be carried by hand instead; needs the console's data and no console")
    .action(async (...parameters: unknown[]) => {
      const [name, flags] = parameters as [string | undefined, Flags];
      if (!flags.secret) return byCode(...parameters);
      if (name === undefined) throw new BadInputError("--secret is for one device: expected its name");
      return bySecret(...parameters);
    });
}

/** Where the console was reached, which is how others do: by a name of its own and not this machine's alone. */
function asked({ url }: Settings): string | undefined {
  return url === undefined || isLoopback(url) ? undefined : url;
}
