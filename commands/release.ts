import { join } from "node:path";
import type { CommandLine } from "#shared/commandline";
import { systemClock as clock } from "#shared/clock";
import { parseDuration } from "#shared/duration";
import { BadInputError } from "#shared/errors";
import type { ReleaseTargets } from "#shared/release/release-manifest";
import { secretFrom } from "#shared/secret-input";
import { version } from "#shared/version";
import { table } from "../cli/text-table.ts";
import { terminal } from "./compose/connect.ts";
import { agentFile } from "./compose/join-places.ts";
import { signRelease, verifyRelease } from "./compose/release-files.ts";
import type { Signer } from "../cli/sign-command.ts";
import { makeKey, signerOf } from "./compose/signing-key.ts";

const actions = "keygen, sign or verify";

interface Flags {
  readonly dir?: string;
  readonly key?: string;
  readonly offlineKey?: string;
  readonly nextOfflineKey?: string;
  readonly also?: readonly string[];
  readonly release?: string;
  readonly good?: string;
  readonly passphrase?: string | true;
  readonly passphraseFile?: string;
  readonly pinned?: readonly string[];
}

const help = `
  muster release keygen                     makes two keys: release-root.key, to be kept offline, and release.key
  muster release sign --offline-key release-root.key --key release.key [FILE…]
  muster release sign --key release.key     the next release, under the same root
  muster release sign --offline-key OLD --next-offline-key NEW --key release.key
                                            the same under a new offline key
  muster release verify

Without FILE the agent of this Muster is released. An executable says what it is for: muster-agent-arm64=linux-arm64.`;

/** `muster release`: what agents update to, signed. */
export function release(line: CommandLine): void {
  line
    .command("release <action> [file...]", `what agents update to: ${actions}`, "doctor")
    .option("--dir <directory>", "of the release (default: release in the console's data directory, which serves it)")
    .option("--key <file>", "the release key", "release.key")
    .option(
      "--offline-key <file>",
      "the offline key, where the keys that count are to be signed anew; with keygen, its file",
    )
    .option(
      "--next-offline-key <file>",
      "with --offline-key: the offline key that takes its place; agents follow by themselves",
    )
    .option("--also <line...>", "with --offline-key: further keys that count, as keygen prints them")
    .option("--release <version>", "of the files (default: this Muster's)")
    .option("--good <duration>", "how long the release is good for without being signed anew", "30d")
    .option("--pinned <line...>", "with verify: the keys that agents pin (default: those in the directory)")
    .option("--passphrase [-]", "with keygen: lock both keys with a passphrase: asked for, or - for standard input")
    .option("--passphrase-file <file>", "the same from a file; of keys that have one")
    .addHelpText("after", help)
    .action(
      line.once(async ({ data }, action: string, files: string[], flags: Flags) => {
        const directory = flags.dir ?? join(data, "release");
        switch (action) {
          case "keygen":
            return keys(flags);
          case "sign":
            return sign(directory, files, flags);
          case "verify":
            return shown(directory, verifyRelease(directory, flags.pinned ?? [], clock.now()));
          default:
            throw new BadInputError(`there is no muster release ${action}: expected ${actions}`);
        }
      }),
    );
}

async function keys({ offlineKey: root = "release-root.key", key = "release.key", passphrase, passphraseFile }: Flags) {
  const locked = await secretFrom({ flag: "--passphrase", value: passphrase, file: passphraseFile });
  const offline = makeKey(root, "release root", locked);
  const made = makeKey(key, "release", locked);
  terminal.err(
    `the offline key is in ${root}: take it away from here once muster release sign --offline-key ${root} has signed which keys count; the release key is in ${key}. Agents pin the first line (devices that join are told it, others by MUSTER_RELEASE_ROOTS):\n`,
  );
  terminal.out(`${offline.line}\n${made.line}`);
}

async function sign(directory: string, files: readonly string[], flags: Flags): Promise<void> {
  const { passphraseFile, also = [], good } = flags;
  const signer = await signerOf({ sign: flags.key ?? "release.key", ...(passphraseFile ? { passphraseFile } : {}) });
  const offline = (file: string | undefined): Promise<Signer | undefined> =>
    signerOf({ ...(file ? { sign: file } : {}), ...(passphraseFile ? { passphraseFile } : {}) });
  const [root, nextRoot] = [await offline(flags.offlineKey), await offline(flags.nextOfflineKey)];
  if (nextRoot && !root)
    throw new BadInputError("expected --offline-key as well: the key of before signs who comes after it");
  if (!signer) throw new BadInputError("expected --key with the release key");
  const own = agentFile();
  const order = files.length > 0 ? files : own === undefined ? [] : [own];
  const made = signRelease({
    directory,
    signer,
    root,
    nextRoot,
    keys: also,
    files: order,
    release: flags.release ?? version,
    good: good === undefined ? undefined : parseDuration(good, "--good"),
    now: clock.now(),
  });
  shown(directory, made.targets);
}

function shown(directory: string, { release: name, version: number, expires, files }: ReleaseTargets): void {
  terminal.out(
    `release ${name} in ${directory}, number ${number}, good until ${new Date(expires).toISOString().slice(0, 16)}Z`,
  );
  terminal.out(
    table(
      ["file", "for", "bytes", "sha256"],
      files.map(({ name: file, target, size, sha256 }) => [file, target, String(size), sha256]),
    ),
  );
}
