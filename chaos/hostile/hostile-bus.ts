import { parseCommandId, parseDeviceId } from "#shared/ids";
import { readTask } from "#shared/messages/command-messages";
import { isSignedBy } from "#shared/signing/public-key";
import { commandStatement, jobStatement } from "#shared/signing/statement";
import { rootBy } from "#shared/signing/targets";
import { Topics } from "#shared/topics";
import { person } from "../person.ts";
import { Random } from "../random.ts";
import { isDevice, type Device, type Role } from "../setting.ts";
import type { Publish } from "./mqtt-frames.ts";
import { TappedLine, type StolenKey } from "./tapped-line.ts";
import { elsewhere, inItsPlace, type Forged, type Stolen, type Trick } from "./tricks.ts";

/** Something that was put before a device and that no person has signed so. */
export interface Forgery extends Omit<Forged, "task"> {
  /** Epoch ms. */
  readonly at: number;
  readonly what: string;
}

/** What the hostile bus has done, for the checker. */
export interface Hostilities {
  readonly forgeries: readonly Forgery[];
  /** Commands that were held back, altered, repeated or accompanied, as {@link nameOf} has them. */
  readonly touched: ReadonlySet<string>;
}

/** Milliseconds: how long a command is held back, between two things that are put in unasked, and after a signature's end. */
const holds = [50, 400] as const;
const prowls = [30, 90] as const;
const pastEnd = 30;
/** A signature that ends sooner is waited for. */
const soon = 1_000;
/** Signed tasks that are remembered, the newest. */
const most = 500;

const topics = new Topics();

export const nameOf = (device: string, id: string): string => `${device}/${id}`;

/**
 * Whoever has the broker's place, or the console's: between the broker and the devices he holds back, alters, repeats and invents what he
 * likes, and at the broker he publishes as an operator can. He has the broker's key, and no person's.
 */
export class HostileBus implements Hostilities {
  readonly #lines = new Map<Device, TappedLine>();
  readonly #stolen: Stolen[] = [];
  /** Until when (epoch ms) a command is held back, whoever brings it. */
  readonly #withheld = new Map<string, number>();
  /** Those to whom he is hostile at the moment. */
  readonly #prowls = new Map<Role, { readonly random: Random; timer: NodeJS.Timeout | undefined }>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly forgeries: Forgery[] = [];
  readonly touched = new Set<string>();
  #count = 0;
  /** Publishes at the broker, under an operator's account, to be kept there; rejects where there is none. */
  atBroker: (topic: string, payload: Buffer) => Promise<void> = () => Promise.reject(new Error("not at any broker"));

  /** The line of a device, to be put into its {@link Cut}. @param tls the broker's key, where it is by TLS */
  tap(device: Device, tls?: StolenKey): TappedLine {
    const line = new TappedLine({ down: (message, pass) => this.#passes(device, message, pass), tls });
    this.#lines.set(device, line);
    return line;
  }

  /** From here on nothing that goes to this device can be trusted. */
  begin(who: Role, dice: string): void {
    if (!isDevice(who)) return;
    this.end(who);
    const prowl = { random: new Random(`${dice} ${who}`), timer: undefined };
    this.#prowls.set(who, prowl);
    this.#prowlLater(who);
  }

  end(who: Role): void {
    clearTimeout(this.#prowls.get(who)?.timer);
    this.#prowls.delete(who);
  }

  stop(): void {
    for (const who of this.#prowls.keys()) this.end(who);
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #passes(device: Device, message: Publish, pass: (payload?: Buffer) => void): void {
    const stolen = stolenOf(device, message);
    if (!stolen) return pass();
    this.#stolen.push(stolen);
    if (this.#stolen.length > most) this.#stolen.shift();
    const name = nameOf(device, stolen.id);
    // Also another copy of it.
    if ((this.#withheld.get(name) ?? 0) > Date.now()) return;
    const random = this.#prowls.get(device)?.random;
    if (!random || random.chance(0.25)) return pass();
    this.touched.add(name);
    const left = stolen.task.signature.expires - Date.now();
    if (left < soon && random.chance(0.7)) {
      this.#withheld.set(name, Date.now() + left);
      return this.#later(Math.max(0, left) + pastEnd, pass);
    }
    if (random.chance(0.3)) return this.#later(random.between(...holds), pass);
    const [what, trick] = random.pick(Object.entries(inItsPlace));
    const forged = trick(stolen, this.#fresh());
    const place = random.pick(["before", "behind", "instead"] as const);
    if (place === "before") this.#put(what, forged);
    if (place !== "instead") pass();
    if (place === "behind") this.#put(what, forged);
    if (place !== "instead") return;
    this.#note(what, forged);
    pass(payloadOf(forged));
  }

  #prowlLater(who: Device): void {
    const prowl = this.#prowls.get(who);
    if (!prowl) return;
    prowl.timer = setTimeout(
      () => {
        this.#prowl(who, prowl.random);
        this.#prowlLater(who);
      },
      prowl.random.between(...prowls),
    );
  }

  /** Something out of the blue, made of what has passed to this device at any time. */
  #prowl(who: Device, random: Random): void {
    const known = this.#stolen.filter(({ device }) => device === who);
    if (known.length === 0) return;
    const stolen = random.pick(known);
    const tricks: readonly [string, Trick][] = [...Object.entries(elsewhere), ...Object.entries(inItsPlace)];
    const [what, trick] = random.pick(tricks);
    const forged = trick(stolen, this.#fresh());
    const name = nameOf(forged.device, forged.id);
    if ((this.#withheld.get(name) ?? 0) > Date.now()) return;
    if (!random.chance(0.3)) return this.#put(what, forged);
    // Where it is not acknowledged it may have come there all the same.
    this.touched.add(name);
    this.atBroker(topicOf(forged), payloadOf(forged)).then(
      () => this.#note(what, forged),
      () => {},
    );
  }

  #put(what: string, forged: Forged): void {
    if (this.#lines.get(forged.device)?.deliver(topicOf(forged), payloadOf(forged))) this.#note(what, forged);
  }

  #note(what: string, { device, id, refusal }: Forged): void {
    this.touched.add(nameOf(device, id));
    this.forgeries.push({ at: Date.now(), device, id, what, ...(refusal === undefined ? {} : { refusal }) });
  }

  #later(ms: number, pass: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      pass();
    }, ms);
    this.#timers.add(timer);
  }

  #fresh(): string {
    return `forged-${++this.#count}`;
  }
}

function topicOf({ device, id }: Forged): string {
  return topics.build({ kind: "task", device: parseDeviceId(device), id: parseCommandId(id) });
}

function payloadOf({ task }: Forged): Buffer {
  return Buffer.from(JSON.stringify(task));
}

function stolenOf(device: Device, { topic, payload }: Publish): Stolen | undefined {
  const address = topics.parse(topic);
  if (address?.kind !== "task" || payload.length === 0) return undefined;
  const { id } = address;
  const { value: task } = readTask(payload);
  const { key, args = {}, signature } = task;
  if (!signature) return undefined;
  const { ts, expires, value, job } = signature;
  const stated = { id, key, args: { ...args }, ts, expires };
  const root = job && rootBy(job, device);
  const statement =
    job === undefined
      ? commandStatement({ device, ...stated })
      : root !== undefined && jobStatement(stated, { root, count: job.count });
  // What is his own comes by again where he has published it at the broker.
  const isOwn = statement !== false && isSignedBy(person.public, statement, value);
  return isOwn ? { device, id, task: { ...task, signature } } : undefined;
}
