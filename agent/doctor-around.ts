import { dirname } from "node:path";
import { asError, errorCode } from "#shared/errors";
import { noteOf, soundOf, troubleOf, type Finding } from "#shared/finding";
import {
  certificateFinding,
  clockTolerance,
  lookAtBroker,
  lookAtClock,
  lookAtDisk,
  tightDisk,
} from "#shared/around-directory";
import { KeptCertificates } from "./certificate/kept-certificates.ts";
import { askConsole, type KnownConsole } from "./join/ask-console.ts";
import { IdentityFile } from "./join/identity.ts";
import { Versions } from "./update/agent-versions.ts";

/** By which settings an agent was begun that has not joined. */
export interface SettingsAround {
  readonly mqttUrl: string | undefined;
  /** Authorities that it trusts, as PEM. */
  readonly ca: string | undefined;
}

/** What an agent needs beside its directory, which knows where it belongs if it has joined. @param now epoch ms */
export async function lookAroundAgent(
  directory: string,
  settings: SettingsAround,
  now: () => number,
): Promise<Finding[]> {
  const joined = readOr(() => new IdentityFile(dirname(directory)).read().joined);
  const url = joined?.broker ?? settings.mqttUrl;
  const until = readOr(() => {
    const kept = new KeptCertificates({ directory });
    kept.start();
    kept.show();
    return kept.expires;
  });
  return [
    ...(url === undefined ? [] : [await lookAtBroker(url, joined?.ca ?? settings.ca)]),
    ...(joined ? [await compareClocks({ origin: joined.console, trust: joined.ca ?? undefined }, now)] : []),
    lookAtClock(directory, now()),
    lookAtDisk(directory, tightDisk.agent),
    ...(until === undefined ? [] : [certificateFinding("certificate", until, now())]),
  ];
}

/** How far this machine's clock is from the console's. */
export async function compareClocks(known: KnownConsole, now: () => number): Promise<Finding> {
  const { origin } = known;
  try {
    const before = now();
    const { date } = await askConsole(known, { path: "/healthz" });
    const apart = date === undefined ? 0 : Math.abs(date - (before + now()) / 2);
    if (apart <= clockTolerance) return soundOf("console", `${origin} answers, and its clock agrees with this one`);
    return troubleOf(
      "clock",
      `it is ${Math.round(apart / 60_000)} min off that of the console at ${origin}: set whichever is wrong, as by NTP; until then the console dates this device's samples by their arrival`,
    );
  } catch (thrown) {
    const { cause, message } = asError(thrown);
    return troubleOf(
      "console",
      `${origin} does not answer (${errorCode(cause) ?? message}): see whether Muster runs there, and the network between`,
    );
  }
}

/** What became of the last update of an installation, where that is to be told. @param state the directory of its starter */
export function lookAtUpdate(state: string): Finding[] {
  const { failed } = new Versions({ state, base: "" });
  if (!failed) return [];
  const said = failed.said.length === 0 ? "" : `; it said: ${failed.said.join(" ↵ ")}`;
  return [noteOf("update", `${failed.name} was tried and has not proven itself: ${failed.why}${said}`)];
}

/** What does not read is told by who looks at the directory. */
function readOr<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
