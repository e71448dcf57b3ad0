import { shortId } from "#shared/ids";
import { Probe, type ProbeOptions } from "#shared/probe";
import { Topics } from "#shared/topics";

export interface BenchLogin {
  readonly username: string;
  readonly password: string;
}

export interface BenchOptions extends BenchLogin {
  readonly url: string;
  readonly root: string;
  /** With TLS: the authorities that are trusted, as PEM; the system's without it. */
  readonly ca?: string | undefined;
  /** Another account, to see what the two can do to each other. */
  readonly second?: BenchLogin;
}

/** Milliseconds in which a message would have come that is not to come. */
export const benchSilence = 400;
/** Milliseconds that a message may take. */
export const journey = 2_000;

/** Milliseconds in which a console or agent that was thrown out a few times has come back: its waits grow from a quarter of a second. */
export const comeback = 3_000;

type Who = BenchLogin & { readonly clientId: string };

/** Where a broker is looked at: its address, the accounts, topics that are nobody's, and what is to be closed afterwards. */
export class Bench {
  readonly options: BenchOptions;
  /** The version to try all else with: the highest that the broker has let in. */
  version: 4 | 5 = 4;
  /** Whether the broker binds the client id to the user's name, so that there is one connection a name. */
  single = false;
  readonly topics: Topics;
  readonly #run = shortId();
  readonly #open = new Map<Probe, Who>();
  /** Those of them whose place another of ours has taken. */
  readonly #replaced = new WeakSet<Probe>();
  #outcast: Who | undefined;

  constructor(options: BenchOptions) {
    this.options = options;
    this.topics = new Topics(options.root);
  }

  topic(...levels: readonly string[]): string {
    return this.topics.aside(this.#run, ...levels);
  }

  /** All of Muster's topics. */
  get tree(): string {
    return [this.options.root, "#"].join("/");
  }

  /** A client id that brokers which bind ids to names let the account have. */
  newId(): string {
    return [this.options.username || "muster", shortId()].join("-");
  }

  async connect(how: Partial<ProbeOptions> = {}): Promise<Probe> {
    const { url, ca, username, password } = this.options;
    const options = { url, ca, username, password, version: this.version, clientId: this.newId(), ...how };
    this.#lookForOutcasts();
    // Whose place the new one takes is ended by us.
    for (const [other, who] of this.#open)
      if (who.clientId === options.clientId || (this.single && who.username === options.username))
        this.#replaced.add(other);
    const probe = await Probe.open(options);
    this.#open.set(probe, options);
    return probe;
  }

  /**
   * Whether somebody else lives under the name that we came by and takes the place back, as a running console or agent does: then what
   * was found is no finding. Where a connection was ended and not by us, another is held for as long as the somebody takes to come back.
   * @returns the name
   */
  async rival(): Promise<string | undefined> {
    this.#lookForOutcasts();
    const login = this.#outcast;
    this.#outcast = undefined;
    if (!login) return undefined;
    const probe = await this.connect(login).catch(() => undefined);
    await probe?.until(() => false, comeback);
    return probe?.thrownOut ? login.username : undefined;
  }

  #lookForOutcasts(): void {
    for (const [probe, who] of this.#open) if (probe.thrownOut && !this.#replaced.has(probe)) this.#outcast ??= who;
  }

  /** Takes back what was retained, on a connection of its own. */
  async clear(...topics: readonly string[]): Promise<void> {
    const probe = await this.connect();
    await inTurns(topics, (topic) => probe.publish(topic, "", { retain: true }));
    await probe.end();
  }

  async close(): Promise<void> {
    for (const probe of this.#open.keys()) await probe.end();
    this.#open.clear();
  }
}

/** Messages on their way at once: fewer than any broker was seen to allow (HiveMQ: 10). */
const together = 8;

/** Does it for all, a few at a time. */
export async function inTurns<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items.toReversed();
  const worker = async (): Promise<void> => {
    for (let item = left.pop(); item !== undefined; item = left.pop()) await work(item);
  };
  await Promise.all(Array.from({ length: together }, worker));
}
