import { rmSync } from "node:fs";
import { readBounded } from "#shared/bounded-read";
import { systemClock as clock } from "#shared/clock";
import { confirm } from "#shared/confirm";
import { asError, BadInputError } from "#shared/errors";
import { secretInFile } from "#shared/secret-input";
import { askConsole } from "./ask-console.ts";
import { comeIn, comeInByAsking } from "./come-in.ts";
import { IdentityFile, type Joined } from "./identity.ts";
import { hintsOf, install, placeOf, uninstall } from "./install.ts";

export interface JoinFlags {
  /** The code; `-` for standard input. */
  readonly code?: string | undefined;
  readonly joinFile?: string | undefined;
  /** The code is the console's URL: a person there is asked. */
  readonly ask?: boolean | undefined;
  readonly dir?: string | undefined;
  readonly dryRun?: boolean | undefined;
  /** By systemd, where there is one and this is root. */
  readonly service?: boolean;
}

/** Milliseconds to wait until the console sees the device. */
const patience = 60_000;
const askedEvery = 500;

/**
 * `join`: makes this machine a device, installs the agent, starts it, and waits until the console sees it.
 * @param own the agent's one file, or the executable in which it is
 */
export async function join(flags: JoinFlags, own: string, say: (line: string) => void): Promise<void> {
  const place = placeOf({ ...flags, isExecutable: !own.endsWith(".cjs") });
  const file = new IdentityFile(place.data);
  const now = (): number => clock.now();
  const identity = flags.ask
    ? await comeInByAsking({ origin: codeFrom(flags), file, now, say, wait })
    : await comeIn({ code: codeFrom(flags), file, dryRun: flags.dryRun ?? false, now, say });
  if (!identity) {
    const how = place.service ? "as a service of systemd" : "in the background";
    return say(`muster: it would be installed in ${place.directory}, and run ${how}`);
  }
  say(`muster: this machine is ${identity.device} from now on`);
  await install(place, own);
  const seen = await isSeen(identity);
  for (const hint of hintsOf(place)) say(`  ${hint}`);
  if (!seen) {
    process.exitCode = 1;
    return say(
      `muster: the console has not seen ${identity.device} within ${patience / 1_000} s: it goes on trying. See its log, and whether ${identity.broker} can be reached from here`,
    );
  }
  say(`muster: ${identity.device} is online: ${identity.console}/devices/${identity.device}`);
}

/** `leave`: takes the agent away, once a person has said so. @throws BadInputError where nobody has */
export async function leave(
  { yes, ...flags }: Pick<JoinFlags, "dir"> & { readonly yes?: boolean | undefined },
  say: (line: string) => void,
): Promise<void> {
  const place = placeOf(flags);
  await confirm(
    `Remove the agent in ${place.directory}, with who this machine is and all that it has not sent yet?`,
    yes,
  );
  await uninstall(place);
  say(
    `muster: the agent in ${place.directory} is gone, and what it had not sent yet; at the console: muster device NAME --remove`,
  );
}

/** Joins by a code in a file, and takes the file away: whoever copies the image later finds none. */
export async function joinByFile(path: string, file: IdentityFile): Promise<Joined | undefined> {
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const joined = await comeIn({ code: secretInFile(path), file, now: () => clock.now(), say });
  try {
    rmSync(path);
  } catch (cause) {
    say(`muster: ${path} cannot be removed (${asError(cause).message}): take the code in it away`);
  }
  return joined;
}

function codeFrom({ code, joinFile }: JoinFlags): string {
  if (joinFile !== undefined) return secretInFile(joinFile);
  if (code === "-") return readBounded(0, 4_096).toString("utf8");
  if (code !== undefined) return code;
  throw new BadInputError("expected a code, - for one on standard input, or --join-file FILE");
}

async function isSeen({ secret, console: origin, device, ca }: Joined): Promise<boolean> {
  const deadline = clock.monotonic() + patience;
  const known = { origin, trust: ca ?? undefined };
  while (clock.monotonic() < deadline) {
    const answer = await askConsole(known, { path: "/join/seen", login: `${device}:${secret}` }).catch(() => undefined);
    const body = answer?.body;
    if (typeof body === "object" && body !== null && "online" in body && body.online === true) return true;
    await wait(askedEvery);
  }
  return false;
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => void clock.after(ms, resolve));
}
