import { readFileSync } from "node:fs";
import { readBounded } from "#shared/bounded-read";
import { systemClock as clock } from "#shared/clock";
import { asError, BadInputError, EnvironmentError } from "#shared/errors";
import { parseJoinCode } from "#shared/join-code";
import { forTerminal } from "#shared/printable";
import type { Settings } from "#shared/settings";
import { table } from "../../cli/text-table.ts";
import { ImageBoot } from "../../flash/boot/boot-image.ts";
import { MountedBoot, type BootFiles } from "../../flash/boot/boot-files.ts";
import { lookAtBoot, prepareBoot, preparedFile, undoBoot } from "../../flash/boot/prepare-boot.ts";
import { machineKindOf } from "../../flash/machine-kinds.ts";
import { codeName, payloadFiles } from "../../flash/payload.ts";
import { runtimeFor } from "../../flash/runtime.ts";
import { flashHost, type Supplies } from "../../flash/ssh/flash-host.ts";
import { SshHost } from "../../flash/ssh/ssh-host.ts";
import { connect } from "./connect.ts";
import { agentFile } from "./join-places.ts";

export interface FlashFlags {
  readonly boot?: string;
  readonly image?: string;
  readonly ssh?: readonly string[];
  readonly device?: string;
  readonly code?: string;
  readonly group?: readonly string[];
  readonly origin?: string;
  readonly target?: readonly string[];
  /** A directory; true for the npm registry, false for none. */
  readonly runtime: string | boolean;
  readonly settings?: string;
  readonly dir?: string;
  readonly service: boolean;
  readonly sshConfig?: string;
  readonly dryRun?: boolean;
  readonly undo?: boolean;
}

/** How long the code on a card is good: until it is booted, which may take a while. */
const cardTtl = "31d";
/** Bytes that a code has at most, for the room on a card. */
const codeRoom = 1_024;
/** Milliseconds to wait until the console sees a device. */
const patience = 90_000;
const askedEvery = 500;

/** What flashing is done by; a verb says it on its output. */
export interface Flashing {
  readonly say: (line: string) => void;
  /** Of gzip, for Node; the usual one where it is not given. */
  readonly level?: number;
}

/**
 * `muster flash`, by what it was told.
 * @returns whether it was done everywhere: of several machines one may have failed, and the table says why
 * @throws what hinders it, as a sentence
 */
export async function flashMachines(values: Settings, flags: FlashFlags, by: Flashing): Promise<boolean> {
  const { boot, image, ssh } = flags;
  if ([boot, image, ssh].filter((one) => one !== undefined).length !== 1)
    throw new BadInputError("expected one of --boot DIRECTORY, --image FILE and --ssh HOST");
  if (ssh !== undefined) return flashBySsh(values, flags, ssh, by);
  await flashCard(values, flags, by, boot === undefined ? new ImageBoot(image ?? "") : new MountedBoot(boot));
  return true;
}

async function flashCard(values: Settings, flags: FlashFlags, by: Flashing, files: BootFiles): Promise<void> {
  const { say, level } = by;
  const { device, dryRun = false, dir = "/var/lib/muster-agent", service } = flags;
  if (flags.undo) {
    const code = codeIn(await preparedFile(files, codeName));
    await undoBoot({ files, dryRun, say });
    return say(
      code === undefined
        ? "there was no code on the card any more: whoever had it may have come in; muster enroll --list tells"
        : `the code that was on the card still lets its device in: muster enroll --revoke ${code}`,
    );
  }
  const first = await lookAtBoot(files);
  const kinds = (flags.target ?? ["linux-arm64"]).map(machineKindOf);
  const runtimes = [];
  for (const kind of flags.runtime === false ? [] : kinds)
    runtimes.push({ kind, node: (await runtimeFor(kind, directoryOf(flags), { say })).node });
  if (device === undefined && flags.code === undefined)
    throw new BadInputError("expected --device NAME, or --code CODE");
  const given = givenCode(flags);
  const payload = payloadFiles({
    agent: ownAgent(),
    runtimes,
    code: given ?? "x".repeat(codeRoom),
    settings: settingsFile(flags),
    directory: dir,
    service,
    now: clock.now(),
    level,
  });
  // A code lets somebody in: it is made when all else is known to be in order, and none for a look.
  const unmade = given === undefined ? codeName : undefined;
  await prepareBoot(first, { files, payload, dryRun: true, unmade, say: dryRun ? say : () => {} });
  if (dryRun) return say("nothing was changed");
  if (given === undefined) payload.set(codeName, Buffer.from(`${await codeFor(values, flags, device ?? "", say)}\n`));
  await prepareBoot(first, { files, payload, dryRun, say });
  say(
    `ready: unmount it, and boot the machine with it. To take it back: muster flash ${flags.boot === undefined ? "--image" : "--boot"} … --undo`,
  );
}

async function flashBySsh(
  values: Settings,
  flags: FlashFlags,
  hosts: readonly string[],
  by: Flashing,
): Promise<boolean> {
  const { say } = by;
  const { device, dir, service, dryRun = false, undo = false } = flags;
  if (device !== undefined && hosts.length > 1)
    throw new BadInputError(
      "--device names one machine, and there are several: leave it out, and each is called as it calls itself",
    );
  const supplies = suppliesOf(values, flags, by);
  let all = true;
  const rows = await Promise.all(
    hosts.map(async (host) => {
      try {
        const done = await flashHost(
          new SshHost(host, flags.sshConfig),
          { device, dir, service, dryRun, undo },
          supplies,
          say,
        );
        return [host, done.device, done.what];
      } catch (thrown) {
        all = false;
        return [host, device ?? "", forTerminal(asError(thrown).message, 600)];
      }
    }),
  );
  say(table(["host", "device", ""], rows));
  return all;
}

function suppliesOf(values: Settings, flags: FlashFlags, { say, level }: Flashing): Supplies {
  const runtimes = new Map<string, Promise<Buffer>>();
  const sessionOf = async (device: string): Promise<string | undefined> => {
    const found = await connect(values)
      .getDevice(device)
      .catch(() => undefined);
    return found?.online ? (found.session ?? undefined) : undefined;
  };
  return {
    agent: ownAgent(),
    settings: settingsFile(flags),
    now: () => clock.now(),
    level,
    codeFor: (device) => codeFor(values, flags, device, say),
    async nodeFor(kind) {
      if (flags.runtime === false) return undefined;
      const known = runtimes.get(kind.name) ?? runtimeFor(kind, directoryOf(flags), { say }).then(({ node }) => node);
      runtimes.set(kind.name, known);
      return known;
    },
    session: sessionOf,
    async seen(device, before) {
      for (const deadline = clock.monotonic() + patience; clock.monotonic() < deadline;) {
        const now = await sessionOf(device);
        if (now !== undefined && now !== before) return true;
        await new Promise<void>((resolve) => void clock.after(askedEvery, resolve));
      }
      return false;
    },
  };
}

/** @throws BadInputError where the code does not read, or the console does not make one */
async function codeFor(values: Settings, flags: FlashFlags, device: string, say: Flashing["say"]): Promise<string> {
  const { group, origin, boot, image } = flags;
  const given = givenCode(flags);
  if (given !== undefined) return given;
  const made = await connect(values).createEnrollment({
    name: device,
    ...(boot === undefined && image === undefined ? {} : { ttl: cardTtl }),
    ...(group === undefined ? {} : { groups: [...group] }),
    ...(origin === undefined ? {} : { origin }),
  });
  if (made.note !== null) say(`note: ${made.note}`);
  return made.code;
}

/** @throws BadInputError where it is none */
function givenCode({ code }: Pick<FlashFlags, "code">): string | undefined {
  const given = code === "-" ? readBounded(0, 4_096).toString("utf8").trim() : code;
  if (given !== undefined) parseJoinCode(given);
  return given;
}

/** The name of a code, by which it can be ended. */
function codeIn(file: Buffer | undefined): string | undefined {
  try {
    return file && parseJoinCode(file.toString("utf8")).id;
  } catch {
    return undefined;
  }
}

function directoryOf({ runtime }: FlashFlags): string | undefined {
  return typeof runtime === "string" ? runtime : undefined;
}

function settingsFile({ settings }: FlashFlags): Buffer | undefined {
  return settings === undefined ? undefined : readFileSync(settings);
}

function ownAgent(): Buffer {
  const path = agentFile();
  if (path === undefined) throw new EnvironmentError("the agent's file is not here: build it with npm run build");
  return readFileSync(path);
}
