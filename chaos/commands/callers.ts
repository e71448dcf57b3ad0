import type { Client } from "#api/client";
import type { CommandDocument } from "#api/command-document";
import { ApiError, UnreachableError } from "#api/api-errors";
import { asError, DisconnectedError } from "#shared/errors";
import { parseCommandId, parseDeviceId } from "#shared/ids";
import type { Link } from "#shared/link";
import { Topics } from "#shared/topics";
import type { Told } from "./evidence.ts";
import type { Journal } from "../journal.ts";
import { signJob, signOrder } from "./order-signer.ts";
import { devices } from "../setting.ts";
import { idOf, orderName, type PlannedOrder } from "./orders.ts";

/** Milliseconds that a caller that was cut off looks for its command at most. */
const patience = 3_000;
const topics = new Topics();

/**
 * The callers: in the main process, which nobody kills. Each writes down what it was told, and one that was left without an answer
 * asks again once everything runs.
 */
export class Callers {
  readonly #client: Client;
  readonly #link: Link;
  readonly #journal: Journal;
  readonly #isSigned: boolean;
  /** What has no answer yet: by its name the command's id, where it is known. */
  readonly #unanswered = new Map<string, { readonly order: PlannedOrder; id: string | undefined }>();

  /** @param isSigned whether a person signs each order */
  constructor(client: Client, link: Link, journal: Journal, isSigned: boolean) {
    this.#client = client;
    this.#link = link;
    this.#journal = journal;
    this.#isSigned = isSigned;
  }

  /** Sends one order its way. Resolves when its caller has heard something, or its connection broke. */
  async send(order: PlannedOrder): Promise<void> {
    this.#tell(order, "asked", { detail: order.way });
    if (order.job === "second") return;
    this.#unanswered.set(orderName(order), { order, id: undefined });
    if (order.way === "typed-task" || order.way === "typed-short") await this.#type(order);
    else if (order.job) await this.#begin(order);
    else await this.#post(order);
  }

  /** Withdraws an order again, as its caller would: over HTTP, or with an empty retained message. */
  async withdraw(order: PlannedOrder): Promise<void> {
    const id = order.way === "typed-task" ? idOf(order) : this.#unanswered.get(orderName(order))?.id;
    if (id === undefined) return;
    this.#tell(order, "withdrawn", { id });
    try {
      if (order.way === "typed-task") await this.#link.publish(taskTopic(order), Buffer.alloc(0), { retain: true });
      else await this.#hear(order, this.#client.cancelCommand(id, { device: order.device }), "unknown");
    } catch (error) {
      this.#tell(order, "unknown", { id, detail: `withdrawal: ${asError(error).message}` });
    }
  }

  /** Everything runs again: whoever has no answer asks for it. */
  async conclude(): Promise<void> {
    for (const [name, { order, id }] of this.#unanswered) {
      await this.#askAgain(order, id).catch((error: unknown) =>
        this.#tell(order, "odd", { detail: asError(error).message }),
      );
      this.#unanswered.delete(name);
    }
  }

  async #post(order: PlannedOrder): Promise<void> {
    const { device, key, token, before, after, way, timeout, ttl } = order;
    const wait = way === "call" || way === "patient";
    const life = way === "call" ? {} : { ttl };
    const body = { key, args: { token, before, after }, timeout, ...life, ...this.#signed(order) };
    try {
      await this.#hear(order, this.#client.sendCommand(device, body, { wait }));
    } catch (error) {
      if (error instanceof UnreachableError && error.code === "ECONNREFUSED")
        this.#settle(order, "unsent", { detail: error.message });
      else this.#tell(order, "unknown", { detail: asError(error).message });
    }
  }

  /** As a job: what it is answered is told of each of its commands, which are looked for when everything runs again. */
  async #begin(order: PlannedOrder): Promise<void> {
    const { key, token, before, after, ttl } = order;
    const body = {
      key,
      args: { token, before, after },
      rate: 1_000,
      canary: 0,
      ttl,
      target: { devices: [...devices] },
    };
    const all = devices.map((device) => ({ ...order, device }));
    for (const one of all) this.#unanswered.set(orderName(one), { order: one, id: undefined });
    try {
      const { id } = await this.#client.createJob({ ...body, ...signJob(order, Date.now()) });
      for (const one of all) {
        this.#unanswered.set(orderName(one), { order: one, id });
        this.#tell(one, "open", { id, detail: "a job" });
      }
    } catch (error) {
      for (const one of all)
        if (error instanceof ApiError) this.#refused(one, error);
        else this.#tell(one, "unknown", { detail: asError(error).message });
    }
  }

  async #type(order: PlannedOrder): Promise<void> {
    const { device, key, token, before, after, way } = order;
    const payload = Buffer.from(JSON.stringify({ key, args: { token, before, after }, ...this.#signed(order) }));
    const retain = way === "typed-task";
    const topic = retain ? taskTopic(order) : topics.build({ kind: "short", device: parseDeviceId(device) });
    try {
      await this.#link.publish(topic, payload, { retain });
    } catch (error) {
      // Without a connection nothing went out; with one that broke, nobody knows.
      const never = error instanceof DisconnectedError && error.message.startsWith("no connection to the broker at");
      this.#tell(order, "unknown", { detail: `${never ? "perhaps unsent: " : ""}${asError(error).message}` });
    }
  }

  #signed(order: PlannedOrder): Partial<ReturnType<typeof signOrder>> {
    return this.#isSigned ? signOrder(order, Date.now()) : {};
  }

  /** An answer holds a document, final or open; a 504 the command at the end of its caller's patience. */
  async #hear(order: PlannedOrder, answer: Promise<CommandDocument>, full: Told["what"] = "refused"): Promise<void> {
    try {
      this.#document(order, await answer, "answered");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const { status, problem } = error;
      if (status === 504 && problem?.command) return this.#document(order, problem.command, `${status}`);
      // Said of a full disk: nothing was taken.
      if (status === 503 && full !== "refused")
        return this.#tell(order, full, { detail: `${status} ${error.message}` });
      this.#refused(order, error);
    }
  }

  #refused(order: PlannedOrder, { status, message }: ApiError): void {
    const refused = status === 503 || (status >= 400 && status < 500 && status !== 429);
    this.#settle(order, refused ? "refused" : "odd", { detail: `${status} ${message}` });
  }

  #document(order: PlannedOrder, { id, state }: CommandDocument, detail: string): void {
    const known = this.#unanswered.get(orderName(order));
    if (known) known.id = id;
    if (state === "queued" || state === "accepted" || state === "running")
      this.#tell(order, "open", { id, state, detail });
    else this.#settle(order, "answer", { id, state, detail });
  }

  async #askAgain(order: PlannedOrder, id: string | undefined): Promise<void> {
    const end = performance.now() + patience;
    let last: string | undefined;
    for (;;) {
      // An id that somebody has used for another device as well is looked for on its own.
      const found = id === undefined || this.#isSigned ? await this.#find(order) : await this.#get(order, id);
      // A job sends its commands as soon as their devices are there.
      const isDue = order.job !== undefined && performance.now() < end;
      if (!found && !isDue) return this.#tell(order, "absent", id === undefined ? {} : { id });
      if (found && found.state !== last) this.#document(order, found, "asked again");
      last = found?.state;
      if (!this.#unanswered.has(orderName(order)) || performance.now() > end) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async #get(order: PlannedOrder, id: string): Promise<CommandDocument | undefined> {
    return this.#client.getCommand(id).catch((error: unknown) => {
      if (!(error instanceof ApiError)) throw error;
      this.#tell(order, "odd", { id, detail: `${error.status} when asked again` });
      return undefined;
    });
  }

  /** A caller that never learned its command's id knows what it has asked for. */
  async #find(order: PlannedOrder): Promise<CommandDocument | undefined> {
    const { device, token } = order;
    const { commands } = await this.#client.listCommands({ device, limit: 100 });
    const isOwn = ({ id }: CommandDocument): boolean => !this.#isSigned || id === idOf(order);
    return commands.find((one) => one.args["token"] === token && isOwn(one));
  }

  #settle(order: PlannedOrder, what: Told["what"], more: Partial<Told> = {}): void {
    this.#unanswered.delete(orderName(order));
    this.#tell(order, what, more);
  }

  #tell({ token, device }: PlannedOrder, what: Told["what"], more: Partial<Told> = {}): void {
    this.#journal.add({ token, device, at: Date.now(), what, ...more } satisfies Told);
  }
}

function taskTopic(order: PlannedOrder): string {
  return topics.build({ kind: "task", device: parseDeviceId(order.device), id: parseCommandId(idOf(order)) });
}
