import type { CommandLine } from "#shared/commandline";
import { BadInputError } from "#shared/errors";
import { quoted } from "#shared/printable";
import { removeDevice, type DeviceFlags } from "./compose/administer-devices.ts";
import { administer } from "./compose/administer.ts";
import { deviceService, serviceActions, type ServiceAction } from "../cli/device-service.ts";
import { deviceText } from "../cli/device-text.ts";
import { labelActions, labelDevice, type LabelAction } from "../cli/label-device.ts";
import type { EnrollFlags } from "../cli/show-enrollments.ts";
import { signing } from "../cli/sign-command.ts";
import { connect, terminal } from "./compose/connect.ts";
import { flagsOfVerbs } from "./compose/flags-of-verbs.ts";
import { signerOf, type SigningFlags } from "./compose/signing-key.ts";

/** Milliseconds in which the device has to have done it. */
const rotationTime = 5_000;

interface Flags extends DeviceFlags, SigningFlags, Pick<EnrollFlags, "ttl" | "origin" | "qr"> {
  readonly rotateSecret?: boolean;
  readonly none?: boolean;
}

/** `muster device`: a device and its values; what people call it; takes it away, or has it change its secret. */
export function device(line: CommandLine): void {
  const remove = administer(line, removeDevice);
  const rotate = line.once(async (values, name: string, flags: Flags) => {
    const client = connect(values);
    const signer = await signerOf(flags);
    const signed = signer && signing(signer)({ key: "rotate-secret", timeout: rotationTime }, name);
    await client.rotateSecret(name, signed ? { id: signed.id, signature: signed.signature } : {});
    terminal.out(`${name} has made itself another secret; the old one ends as soon as it has come in with that`);
  });
  const show = line.once(async (values, name: string) =>
    terminal.out(deviceText(await connect(values).getDevice(name), Date.now())),
  );
  const label = line.once(async (values, action: LabelAction, [device = "", ...words]: string[], { none }: Flags) =>
    terminal.out(await labelDevice(connect(values), action, { device, words, none })),
  );
  const service = line.once(async (values, action: ServiceAction, words: string[], flags: Flags) => {
    const { ttl, origin, qr } = flags;
    const ofVerbs = flagsOfVerbs(values);
    terminal.out(
      await deviceService(connect(values), action, { words, flags: { ttl, origin, qr } as EnrollFlags, ofVerbs }),
    );
  });
  line
    .command(
      "device <name> [words...]",
      "show a device and its values; give it a name, a note or tags; replace it, retire it or take it away; end its certificate, or have it change its secret",
      "device",
    )
    .usage(
      "DEVICE\n       muster device rename|note|tag DEVICE [WORDS... | --none]\n       muster device replace|retire|return DEVICE\n       muster device NAME --remove | --revoke | --rotate-secret",
    )
    .option("--none", "with rename, note and tag: take it away")
    .option("--remove", "its account, connections, open commands, groups and all that is known of it; its samples stay")
    .option("--revoke", "end its certificate, and at once what it has open with it")
    .option("--ttl <duration>", "with replace: how long the new machine's code is good for (default: 1h)")
    .option("--origin <url>", "with replace: where the new machine reaches the console")
    .option("--qr", "with replace: also draw the line as a QR code")
    .option("--yes", "without a question")
    .option("--rotate-secret", "have a device that has joined make itself another secret; no sample is lost")
    .option("--sign <keyfile>", "with --rotate-secret: sign it, for a device that takes no command without")
    .option("--passphrase-file <file>", "the passphrase of that key")
    .addHelpText(
      "after",
      "\nExamples:\n  muster device rename rpi-7 Garage, north\n  muster device tag rpi-7 outdoor rack:3\n  muster device note rpi-7 'key at Ann'\n  muster device rpi-7 --remove",
    )
    .action((...parameters: unknown[]) => {
      const [name, words, flags, program] = parameters as [string, readonly string[], Flags, unknown];
      // A device may be called rename: with flags alone the first word is always a device.
      if (words.length > 0) {
        if (labelActions.some((action) => action === name)) return label(...parameters);
        if (serviceActions.some((action) => action === name)) return service(...parameters);
        throw new BadInputError(
          `device ${quoted(name)} is not known: expected ${[...labelActions, ...serviceActions].join(", ")}, or one device and a flag`,
        );
      }
      if (flags.rotateSecret) return rotate(name, flags, program);
      return flags.remove || flags.revoke || flags.yes ? remove(name, flags, program) : show(name, flags, program);
    });
}
