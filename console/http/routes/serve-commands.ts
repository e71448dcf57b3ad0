import type { ZodRoutes } from "../zod-routes.ts";
import type { CommandDocument } from "#api/command-document";
import type { TakenOrder } from "#api/command-routes";
import { maxWait, parseDuration } from "#shared/duration";
import type { DeviceId } from "#shared/ids";
import { BadInputError } from "#shared/errors";
import type { Accounts } from "../../accounts/accounts.ts";
import { nameOf } from "../../desk/command-name.ts";
import { notKeptCode, type Command } from "../../desk/command.ts";
import type { Desk } from "../../desk/desk.ts";
import { CommandFailedError, CommandTimeoutError } from "../../desk/command-errors.ts";
import { limitOf, askerOf } from "../auth.ts";
import { listAnswer, maxPageLength, type Send } from "../list-pages.ts";
import { oneCommand } from "../one-command.ts";
import { Patience } from "../patience.ts";
import { HttpError } from "../problem.ts";
import { served } from "../serve.ts";

const defaultTimeout = 5_000;
/** Milliseconds: shorter waits are a sign of somebody counting in seconds; longer ones belong into `ttl`. */
const timeoutRange = { shortest: 20, longest: 3_600_000 };

/** Who sends, and from where. */
interface Sender {
  readonly by: string;
  readonly from: string;
}

/** A command that was sent, or known already by its caller's id, and the milliseconds that the caller waits. */
interface Sent {
  readonly command: Command;
  readonly wait: number;
  readonly isNew: boolean;
}

/** What the routes of commands serve. */
export interface CommandRoutes {
  readonly desk: Desk;
  readonly accounts: Pick<Accounts, "changes">;
  readonly document: (command: Command) => CommandDocument;
  readonly send: Send;
}

/** Sending, looking up and withdrawing commands. */
export const serveCommands =
  ({ desk, accounts, document, send: answer }: CommandRoutes): ZodRoutes =>
  async (app) => {
    const patience = new Patience();
    const endListening = accounts.changes.on(({ name, what }) => {
      if (what === "account") patience.end(name);
    });
    app.addHook("preClose", () => {
      endListening();
    });
    const send = (
      device: DeviceId,
      { key, args, timeout, ttl, id, signature }: TakenOrder,
      { by, from }: Sender,
    ): Sent => {
      const wait = toTimeout(timeout);
      const known = id && desk.find(device, id);
      if (known && known.key === key) return { wait, command: known, isNew: false };
      if (known)
        throw new HttpError(409, `the id "${id}" belongs to "${known.key}" on ${known.device}: choose another`);
      const lifetime = ttl === undefined ? undefined : parseDuration(ttl, "ttl", maxWait);
      if (signature && id === undefined)
        throw new BadInputError("a signature is for one id: expected that id beside it");
      const order = { key, args, by, from, id, timeout: wait, ttl: lifetime, signature };
      return { wait, command: desk.submit(device, order), isNew: true };
    };
    /** The final document whatever the end, or the state at the end of the caller's patience as 504. */
    const conclude = async ({ command, wait }: Sent): Promise<CommandDocument> => {
      try {
        return document(await desk.wait(command, wait));
      } catch (error) {
        if (error instanceof CommandFailedError && error.details.command.error?.code === notKeptCode)
          throw notKept("it was never sent");
        if (error instanceof CommandFailedError) return document(error.details.command);
        if (error instanceof CommandTimeoutError)
          throw new HttpError(504, error.message, { command: document(error.details.command) });
        throw error;
      }
    };
    app.route({
      ...served("sendCommand"),
      handler: async (request, reply) => {
        const { name } = askerOf(request);
        const begin = (): Sent => send(request.params.id, request.body, { by: name, from: request.ip });
        if (request.query.wait === "true") return patience.wait(name, () => conclude(begin()));
        const sent = begin();
        // Its caller follows it by the event stream, and it ends with his time, to the millisecond as where he waits here.
        if (sent.isNew) void desk.wait(sent.command, sent.wait).catch(() => {});
        if (!(await desk.kept(sent.command))) throw notKept("it was never sent");
        reply.code(202).header("location", `/api/commands/${sent.command.id}?device=${sent.command.device}`);
        return document(sent.command);
      },
    });

    app.route({
      ...served("shutDown"),
      handler: async (request) => {
        const { name } = askerOf(request);
        const sender = { by: name, from: request.ip };
        return patience.wait(name, () => conclude(send(request.params.uuid, { key: "shutdown" }, sender)));
      },
    });

    app.route({
      ...served("listCommands"),
      handler: (request, reply) => {
        const { limit: most, ...query } = request.query;
        const reaches = limitOf(request);
        const steps = listAnswer({
          list: "commands",
          items: desk.walk(query),
          only: reaches && (({ device }) => reaches(device)),
          document,
          most,
          room: maxPageLength,
          after: ({ last, more }) => ({ next: more && last ? nameOf(last) : null }),
        });
        return answer(request, reply, steps);
      },
    });

    app.route({
      ...served("getCommand"),
      handler: async (request) => {
        const { params, query } = request;
        const command = oneCommand(desk, params.id, query.device, limitOf(request));
        // An end that a power cut could take back must not have been told.
        await desk.kept(command);
        return document(oneCommand(desk, command.id, command.device));
      },
    });

    app.route({
      ...served("cancelCommand"),
      handler: async (request) => {
        const { device, id } = oneCommand(desk, request.params.id, request.query.device, limitOf(request));
        const cancelled = desk.demandCancel(device, id, askerOf(request).name) ?? oneCommand(desk, id, device);
        if (!(await desk.kept(cancelled))) throw notKept("it is withdrawn as soon as it does");
        return document(cancelled);
      },
    });
  };

function notKept(what: string): HttpError {
  return new HttpError(503, `the console's own disk takes no writes: make room on it; ${what}`);
}

function toTimeout(timeout: string | number | undefined): number {
  const ms = parseDuration(timeout ?? defaultTimeout, "timeout");
  if (ms >= timeoutRange.shortest && ms <= timeoutRange.longest) return ms;
  throw new BadInputError(
    `timeout is ${ms} ms: expected ${timeoutRange.shortest} ms to 1 h; a number is milliseconds, or write "5s"; to wait longer for the device use ttl`,
  );
}
