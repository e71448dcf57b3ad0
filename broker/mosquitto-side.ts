import { randomInt } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "#shared/clock";
import { hashSecret, rounds } from "#shared/password";
import type { CertificateSide, ChangedAccounts, ReadBooks, WrittenFiles } from "./mosquitto-books.ts";
import { writeMosquittoFiles, type CertificateFiles } from "./mosquitto-files.ts";
import { reloadMosquitto, type Reload } from "./mosquitto-reload.ts";
import { momentarySecret, takePlace, takeoverPatience, type TakeoverOptions } from "./mosquitto-takeover.ts";
import { deniedIn, type MosquittoAccount } from "./mosquitto-access.ts";

export interface MosquittoSideOptions {
  /** Where the files are. */
  readonly directory: string;
  readonly root: string;
  readonly clock: Clock;
  /** How Mosquitto is reached. */
  readonly reach: () => Pick<TakeoverOptions, "url" | "ca">;
}

/**
 * Milliseconds for which somebody who is to be thrown out is in no file. Mosquitto takes a SIGHUP at once, or after what it is just at: with
 * 10,000 accounts at most some hundred milliseconds.
 */
const outside = 400;

/**
 * Milliseconds until places are tried to be taken again where another process has written the files in between, and its secrets over these: a
 * verb beside a console, which does the same. Each waits for another while, so that they do not go on like this.
 */
const pause = { least: 50, most: 250 } as const;

/**
 * Milliseconds after which nobody can say CONNECT any more who had shown a certificate before Mosquitto read that it has ended: 2.0.11 closes after
 * 90 s what has said nothing, and looks every few seconds.
 */
export const connectDeadline = 100_000;

/**
 * Times that the files are written anew because the books had another state by then, as another process beside this one has written it: each time somebody
 * has changed an account in the milliseconds between.
 */
export const maxRewrites = 10;

/**
 * Milliseconds after which Mosquitto is told once more: 2.0.11 forgets a SIGHUP that comes while it is reading its files for another, and would go on with
 * those of before.
 */
const toldAgainAfter = 150;

/** Places that are taken at once: each is a connection. */
const takenAtOnce = 32;

const noCertificates: CertificateSide = { shutOut: [], more: {}, withEnded: new Set() };

/**
 * The accounts as Mosquitto has them. It ends what is open only of those who are gone or have another secret (tried on 2.0.11). Who
 * has another role or password, with the secret for MQTT that he had, is therefore left out of the files for a moment: his connections end,
 * and he may come again as what he is now. Of whoever came by a certificate it ends nothing by itself: his place is taken.
 */
export class MosquittoSide {
  readonly #options: MosquittoSideOptions;
  /** Hashes by the names that log in: in the files, and in those that are about to be put in their place. */
  #placed: ReadonlyMap<string, string> = new Map();
  #coming: ReadonlyMap<string, string> = new Map();
  /** Who had a certificate that was revoked, when the files were written last. */
  #shutOut: readonly string[] = [];
  /** Who was denied everything then, or by whom else the files are from. */
  #denied: readonly string[] = [];
  #hasWritten = false;

  constructor(options: MosquittoSideOptions) {
    this.#options = options;
  }

  get directory(): string {
    return this.#options.directory;
  }

  /** Notes who can log in at present. To be called before anything is changed: a Muster that runs beside may leave somebody out by then. */
  start(): void {
    try {
      const lines = passwordsIn(this.#options.directory).split("\n");
      this.#placed = new Map(lines.map((line) => splitAt(line, line.indexOf(":"))));
      this.#denied = deniedAt(this.#options.directory);
    } catch {
      // None, or not ours to read: nobody is known to be in, and writing will say what is wrong.
    }
  }

  /**
   * Notes that an account has changed at this moment. What was opened before is to end; who has come in only by files in which the change
   * is already is to stay, though the change is written later than that.
   */
  note(changed: Map<string, Set<string>>, name: string): void {
    const hashes = changed.get(name) ?? new Set();
    changed.set(name, hashes);
    for (const files of [this.#placed, this.#coming]) {
      const hash = files.get(name);
      if (hash !== undefined) hashes.add(hash);
    }
  }

  /**
   * Writes the files, and has Mosquitto read them.
   * @param read what is to be in them at this moment: whoever else writes them, the last who does has the newest
   * @param changed as {@link note} has gathered them
   * @param last those of them whose places are taken for the second time
   * @throws EnvironmentError where the files cannot be written
   */
  async write(
    read: ReadBooks,
    changed: ChangedAccounts = new Map(),
    last: ReadonlySet<string> = new Set(),
  ): Promise<WrittenFiles> {
    const { accounts, certificates = noCertificates } = (await read())();
    const leaving = this.#leaving(changed, certificates);
    // What somebody has open who is shut out only while this is written, the next writing ends.
    const known = changed.size === 0 && !this.#hasWritten ? certificates.shutOut : [...this.#denied, ...leaving];
    this.#hasWritten = true;
    const inside = accounts.filter(({ name, hash }) => changed.get(name)?.has(hash));
    let staying: ReadonlyMap<string, string> = new Map();
    if (leaving.length + inside.length > 0) {
      const left = new Set([...leaving, ...inside.map(({ name }) => name)]);
      const wait = inside.length > 0 ? outside : 0;
      staying = await this.#end(read, { left, leaving, known: new Set(known), wait });
    }
    const { shutOut, ...written } = await this.#settle(read, new Set(known));
    // Who is shut out is denied everything. Who may come again has a name that the certificate of before, shown in time, still opens.
    const later = leaving.filter((name) => !shutOut.includes(name) && !last.has(name));
    const stays = [...staying].map(([name, why]) => `${name} (${why})`);
    // With a secret of before they are closed as Mosquitto reads the files.
    const byFiles = [...changed].flatMap(([name, hashes]) => (hashes.size > 0 ? name : []));
    const taken = leaving.filter((name) => !staying.has(name) || shutOut.includes(name));
    return { ...written, stays, later, ended: written.reload === "told" ? [...new Set([...byFiles, ...taken])] : [] };
  }

  /**
   * Writes the books as they are, until they are so when they are written: a verb and a console both do, each from its own reading, and an older
   * state may come to stand over a newer one. Whoever has put it there finds it out here.
   * @param known who may be denied everything: whoever was shut out since has something open, and his will has to go out first
   */
  async #settle(
    read: ReadBooks,
    known: ReadonlySet<string>,
  ): Promise<Pick<WrittenFiles, "dear" | "reload"> & { readonly shutOut: readonly string[] }> {
    for (let rewrites = 0; ; rewrites += 1) {
      const { accounts, certificates = noCertificates, version } = (await read())();
      const shutOut = certificates.shutOut.filter((name) => known.has(name));
      const { dear, reload } = await this.#put(accounts, { ...certificates, shutOut });
      this.#shutOut = shutOut;
      this.#denied = shutOut;
      if (rewrites >= maxRewrites || (await read())().version === version) return { dear, reload, shutOut };
    }
  }

  /** To be called in the turn in which the accounts were read: of who changes later it is known that these files do not have the change. */
  async #put(
    accounts: readonly MosquittoAccount[],
    certificates: CertificateFiles,
  ): Promise<{ readonly dear: readonly string[]; readonly reload: Reload }> {
    const { directory, root } = this.#options;
    const coming = new Map(accounts.filter(({ certified }) => !certified).map(({ name, hash }) => [name, hash]));
    this.#coming = coming;
    let reload: Reload = "absent";
    const placed = (): void => {
      this.#placed = coming;
      reload = this.#tell();
    };
    const dear = await writeMosquittoFiles(directory, root, accounts, certificates, placed);
    return { dear, reload };
  }

  #tell(): Reload {
    const { directory, clock } = this.#options;
    const reload = reloadMosquitto(directory);
    if (reload === "told") clock.after(toldAgainAfter, () => void reloadMosquitto(directory));
    return reload;
  }

  /** Whose place is to be taken. Who was shut out and is not any more may have come in between, and been heard by nobody. */
  #leaving(changed: ChangedAccounts, { withEnded, shutOut }: CertificateSide): readonly string[] {
    const ended = [...changed.keys()].filter((name) => withEnded.has(name));
    return [...new Set([...ended, ...this.#shutOut.filter((name) => !shutOut.includes(name))])];
  }

  /** Writes the files without those that are `left` out, and takes the places of those that are `leaving`. @returns of whom something may still be open, and why */
  async #end(
    read: ReadBooks,
    {
      left,
      leaving,
      known,
      wait,
    }: {
      left: ReadonlySet<string>;
      leaving: readonly string[];
      known: ReadonlySet<string>;
      wait: number;
    },
  ): Promise<ReadonlyMap<string, string>> {
    const { clock } = this.#options;
    const secrets = new Map(leaving.map((name) => [name, momentarySecret()]));
    const momentary = [...secrets].map(([name, secret]) => ({
      name,
      role: "device" as const,
      hash: hashSecret(secret, rounds.generated),
    }));
    const write = async (): Promise<boolean> => {
      const { accounts, certificates = noCertificates } = (await read())();
      const others = accounts.filter(({ name }) => !left.has(name));
      // Who is shut out is so from then on: before, his will has to go out, by which others hear that he is gone.
      const shutOut = certificates.shutOut.filter((name) => known.has(name) && !secrets.has(name));
      const { reload } = await this.#put([...others, ...momentary], { ...certificates, shutOut });
      return reload === "told";
    };
    if (!(await write())) return new Map();
    const waited = new Promise<void>((resolve) => clock.after(wait, resolve));
    const hashes = momentary.map(({ hash }) => hash);
    let [stays, isOutdated] = await this.#takePlaces(secrets, hashes);
    const end = clock.monotonic() + takeoverPatience;
    while (stays.size > 0 && isOutdated && clock.monotonic() < end) {
      await new Promise<void>((resolve) => clock.after(randomInt(pause.least, pause.most), resolve));
      if (!(await write())) break;
      [stays, isOutdated] = await this.#takePlaces(new Map([...secrets].filter(([name]) => stays.has(name))), hashes);
    }
    await waited;
    return stays;
  }

  /**
   * @param hashes of the momentary secrets in the files that were written
   * @returns of whom it has not come about, and why; and whether the files are not those that were written any more
   */
  async #takePlaces(
    secrets: ReadonlyMap<string, string>,
    hashes: readonly string[],
  ): Promise<[stays: Map<string, string>, isOutdated: boolean]> {
    const { directory, clock, reach } = this.#options;
    const written = stampOf(directory);
    // Another one's may stand there already: with other secrets, or denying everything to whose place it has taken, his will included.
    const stand = passwordsIn(directory);
    const isTheirs =
      hashes.some((hash) => !stand.includes(hash)) || deniedAt(directory).some((name) => secrets.has(name));
    const isOutdated = (): boolean => isTheirs || stampOf(directory) !== written;
    const stays = new Map<string, string>();
    const waiting = [...secrets];
    const take = async (): Promise<void> => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const why = await takePlace({ ...reach(), clock, isOutdated }, ...next);
        if (why !== undefined) stays.set(next[0], why);
      }
    };
    let cancel = (): void => {};
    const remind = (): void => {
      cancel = clock.after(toldAgainAfter, () => {
        reloadMosquitto(directory);
        remind();
      });
    };
    remind();
    await Promise.all(Array.from({ length: takenAtOnce }, take));
    cancel();
    return [stays, isOutdated()];
  }
}

/** Which files the passwords and rules are in: each writing makes others. */
function stampOf(directory: string): string {
  const files = ["passwd", "acl"].map((name) => statSync(join(directory, name), { bigint: true }));
  return files.map(({ ino, mtimeNs }) => `${ino} ${mtimeNs}`).join(" ");
}

/** Who is denied everything. */
function deniedAt(directory: string): readonly string[] {
  return deniedIn(readFileSync(join(directory, "acl"), "utf8"));
}

function passwordsIn(directory: string): string {
  return readFileSync(join(directory, "passwd"), "utf8");
}

function splitAt(line: string, at: number): [string, string] {
  return [line.slice(0, at), line.slice(at + 1)];
}
