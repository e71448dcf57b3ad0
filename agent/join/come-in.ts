import type { X509Certificate } from "node:crypto";
import { dirname } from "node:path";
import { BadInputError, EnvironmentError } from "#shared/errors";
import { parseConsoleUrl } from "#shared/address";
import { joinFingerprint } from "#shared/join-fingerprint";
import { proveKey } from "#shared/key-proof";
import { parseJoinCode } from "#shared/join-code";
import { admission, joinVerdict } from "#shared/messages/join-messages";
import { certificatesIn, fingerprintOf } from "#shared/pinned-ca";
import { check } from "#shared/messages/payload-schema";
import { KeptCertificates } from "../certificate/kept-certificates.ts";
import { askConsole, refusalIn, type KnownConsole } from "./ask-console.ts";
import type { IdentityFile, Joined } from "./identity.ts";
import { thisMachine, type SelfDescription } from "./machine.ts";

export interface ComingIn {
  /** As `muster enroll` has shown it. */
  readonly code: string;
  readonly file: IdentityFile;
  readonly machine?: SelfDescription;
  /** Looks who answers, and sends nothing. */
  readonly dryRun?: boolean;
  readonly now: () => number;
  readonly say: (line: string) => void;
}

/** Milliseconds by which this machine's clock may differ from the console's before it is told: certificates and samples need the time. */
const clockTold = 300_000;

/**
 * Makes this machine a device by a code. Whom the code's secret goes to is known before it is sent.
 * @returns undefined where it was a dry run
 * @throws BadInputError where the console refuses; EnvironmentError where it is not reached, or is not the one that the code is of
 */
export async function comeIn({
  code,
  file,
  machine = thisMachine(),
  dryRun,
  now,
  say,
}: ComingIn): Promise<Joined | undefined> {
  const { id, secret, origin, ca } = parseJoinCode(code);
  assertNobodyElses(file, origin);
  const known = await pinned(origin, ca, { now, say });
  if (dryRun) {
    await askConsole(known, { path: "/join/ca" });
    say(`muster: ${origin} is there, and is the console that the code is of; nothing was sent`);
    return undefined;
  }
  const asking = file.ask(id);
  const certificates = new KeptCertificates({ directory: dirname(file.path) });
  certificates.start();
  const body = {
    code: `${id}.${secret}`,
    machine: asking.machine,
    hash: asking.hash,
    // Whether the code is for one the console alone knows.
    certificate: proveKey(asking.machine, certificates.prepare()),
    ...machine,
  };
  const answer = await askConsole(known, { method: "POST", path: "/join", body });
  if (answer.status !== 200) throw new BadInputError(`${origin} does not let this machine in: ${refusalIn(answer)}`);
  const joined = { ...asking, ...check(admission, answer.body, "the console's answer"), console: origin };
  if (joined.certificate) certificates.accept(joined.certificate);
  else certificates.clear();
  file.write({ joined });
  return joined;
}

/** Milliseconds between two questions of a machine that waits for a person. */
const askedEvery = 2_000;

/**
 * Makes this machine a device by a person's yes, without a code: shows a fingerprint, which the person compares with the one at the console.
 * @throws BadInputError where the person, or the console, says no
 */
export async function comeInByAsking({
  origin: given,
  file,
  machine = thisMachine(),
  now,
  say,
  wait,
}: Omit<ComingIn, "code" | "dryRun"> & {
  readonly origin: string;
  readonly wait: (ms: number) => Promise<void>;
}): Promise<Joined> {
  const origin = parseConsoleUrl(given);
  assertNobodyElses(file, origin);
  const blind = await askConsole({ origin, trust: undefined, blind: true }, { path: "/join/ca" });
  tellClock(blind.date, { now, say });
  if (blind.status !== 200) throw new EnvironmentError(`${origin} is no console to join: ${refusalIn(blind)}`);
  const ca = signerIn(origin, blind.body);
  // What is trusted from here on is in the fingerprint, whoever sent it.
  const known = { origin, trust: ca?.toString() };
  // Only now, so that nobody can choose an authority for what is shown.
  const asking = file.askAnew(`ask ${origin}`);
  if (new URL(origin).protocol === "http:")
    say(
      `muster: ${origin} is without TLS: the fingerprint proves nothing, whoever is in between can have it shown at both ends and come in in this machine's place`,
    );
  say(`muster: waiting for a person's yes at ${origin}. Let this machine in if it is shown there with the fingerprint`);
  say(`  ${joinFingerprint(asking.hash, ca === undefined ? null : fingerprintOf(ca))}`);
  const body = { machine: asking.machine, hash: asking.hash, ...machine };
  for (;;) {
    const answer = await askConsole(known, { method: "POST", path: "/join/ask", body });
    if (answer.status !== 200) throw new BadInputError(`${origin} does not let this machine ask: ${refusalIn(answer)}`);
    const { state, admission: told } = check(joinVerdict, answer.body, "the console's answer");
    if (state === "denied") throw new BadInputError(`a person at ${origin} has said no`);
    if (told) {
      const joined = { ...asking, ...told, console: origin };
      file.write({ joined });
      return joined;
    }
    await wait(askedEvery);
  }
}

function assertNobodyElses(file: IdentityFile, origin: string): void {
  const before = file.read().joined;
  if (before !== undefined && before.console !== origin)
    throw new BadInputError(
      `this machine is ${before.device} of ${before.console} already: take that away first (node muster-agent.cjs leave), or give another --dir`,
    );
}

function tellClock(date: number | undefined, { now, say }: Pick<ComingIn, "now" | "say">): void {
  const off = date === undefined ? 0 : now() - date;
  if (Math.abs(off) > clockTold)
    say(
      `muster: this machine's clock is ${Math.round(Math.abs(off) / 60_000)} minutes ${off > 0 ? "ahead of" : "behind"} the console's: set it`,
    );
}

function authoritiesIn(body: unknown): string | null {
  return typeof body === "object" && body !== null && "ca" in body && typeof body.ca === "string" ? body.ca : null;
}

/**
 * The authority that signs at present, which is the first: others, which whoever sent them could choose at will, count for nothing.
 * @throws EnvironmentError where it does not read
 */
function signerIn(origin: string, body: unknown): X509Certificate | undefined {
  const pem = authoritiesIn(body);
  if (pem === null) return undefined;
  const [first] = readCertificates(pem);
  if (first === undefined) throw new EnvironmentError(`${origin} shows a certificate authority that does not read`);
  return first;
}

/** The console at `origin`, known by the authority whose hash the code has. @throws EnvironmentError where another answers */
async function pinned(
  origin: string,
  ca: string | undefined,
  { now, say }: Pick<ComingIn, "now" | "say">,
): Promise<KnownConsole> {
  const answer = await askConsole({ origin, trust: undefined, blind: ca !== undefined }, { path: "/join/ca" });
  tellClock(answer.date, { now, say });
  if (answer.status !== 200) throw new EnvironmentError(`${origin} is no console to join: ${refusalIn(answer)}`);
  if (ca === undefined) return { origin, trust: undefined };
  const pem = authoritiesIn(answer.body) ?? "";
  const right = readCertificates(pem).find((one) => fingerprintOf(one) === ca);
  if (right === undefined)
    throw new EnvironmentError(
      `whoever answers at ${origin} has another certificate authority than the code is of: nothing was sent to it. Somebody may be in between, or the console has a new authority; have another code made`,
    );
  return { origin, trust: right.toString() };
}

/** What a stranger sends need not read. */
function readCertificates(pem: string): ReturnType<typeof certificatesIn> {
  try {
    return certificatesIn(pem);
  } catch {
    return [];
  }
}
