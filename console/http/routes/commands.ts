import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import * as z from "zod";
import { parseDuration } from "#shared/duration";
import type { CommandId, DeviceId } from "#shared/ids";
import { BadInputError } from "#shared/errors";
import { json } from "#shared/messages/schema";
import { isExact, sendAsText } from "#shared/whole-numbers";
import type { Accounts } from "../../accounts.ts";
import type { Console } from "../../console.ts";
import { nameOf } from "../../desk/book.ts";
import { commandStates, notKeptCode, type Command } from "../../desk/command.ts";
import { CommandFailedError, CommandTimeoutError } from "../../desk/errors.ts";
import { allow, principalOf } from "../auth.ts";
import {
  commandDocument,
  commandId,
  deviceId,
  problemDocument,
  toCommandDocument,
  type CommandDocument,
} from "../documents.ts";
import { listAnswer, longestPage, type Send } from "../pages.ts";
import { Patience } from "../patience.ts";
import { HttpError } from "../problem.ts";

const duration = z
  .union([z.number(), z.string()])
  .describe('a number of milliseconds, or text with its unit: "5s", "1h30m"');
const order = z.object({
  key: z.string().min(1).max(64),
  args: z.record(z.string(), json).refine(isExact, sendAsText).optional(),
  timeout: duration.optional(),
  ttl: duration.optional(),
  id: commandId
    .optional()
    .describe("an id of your own: the same request again, after a broken connection, sends nothing twice"),
});
type Order = z.infer<typeof order>;

const ofDevice = z.object({
  device: deviceId.optional().describe("whose command it is: needed where several devices have had one of this id"),
});

const defaultTimeout = 5_000;
/** Milliseconds: shorter waits are a sign of somebody counting in seconds; longer ones belong into `ttl`. */
const timeoutRange = { shortest: 20, longest: 3_600_000 };

/** Sending, looking up and withdrawing commands. */
export const commandRoutes =
  (console: Console, accounts: Accounts, answer: Send): FastifyPluginAsyncZod =>
  async (app) => {
    const patience = new Patience();
    const endListening = accounts.changes.on(({ name, what }) => {
      if (what === "account") patience.end(name);
    });
    app.addHook("preClose", () => {
      endListening();
    });
    const viewer = allow("viewer");
    const operator = allow("operator");
    const document = (command: Command): CommandDocument =>
      toCommandDocument(
        command,
        console.registry.get(command.device),
        console.desk.answerTimes(command.device, command.key),
      );
    const send = (
      device: DeviceId,
      { key, args, timeout, ttl, id }: Order,
      by: string,
    ): { command: Command; wait: number } => {
      const wait = toTimeout(timeout);
      const known = id && console.desk.find(device, id);
      if (known && known.key === key) return { wait, command: known };
      if (known)
        throw new HttpError(409, `the id "${id}" belongs to "${known.key}" on ${known.device}: choose another`);
      const lifetime = ttl === undefined ? undefined : parseDuration(ttl, "ttl");
      return { wait, command: console.desk.submit(device, { key, args, by, id, timeout: wait, ttl: lifetime }) };
    };
    /** The command that a person means by its id; where several devices have had it, only with one of them. */
    const one = (id: CommandId, device: DeviceId | undefined): Command => {
      const found = device === undefined ? console.desk.withId(id) : [console.desk.find(device, id)];
      const [command, ...others] = found.filter((known) => known !== undefined);
      if (!command) {
        const where = device === undefined ? "" : ` on ${device}`;
        throw new HttpError(404, `there is no command "${id}"${where}; GET /api/commands lists them`);
      }
      if (others.length === 0) return command;
      const devices = [command, ...others].map((known) => known.device);
      throw new HttpError(
        409,
        `"${id}" is a command of ${devices.join(", ")}: say which with ?device=${command.device}, or --device ${command.device}`,
        { devices },
      );
    };
    /** The final document whatever the end, or the state at the end of the caller's patience as 504. */
    const conclude = async ({ command, wait }: { command: Command; wait: number }): Promise<CommandDocument> => {
      try {
        return document(await console.desk.wait(command, wait));
      } catch (error) {
        if (error instanceof CommandFailedError && error.details.command.error?.code === notKeptCode)
          throw notKept("it was never sent");
        if (error instanceof CommandFailedError) return document(error.details.command);
        if (error instanceof CommandTimeoutError)
          throw new HttpError(504, error.message, { command: document(error.details.command) });
        throw error;
      }
    };
    const answers = {
      404: problemDocument,
      409: problemDocument,
      422: problemDocument,
      429: problemDocument,
      504: problemDocument,
    };

    app.post(
      "/api/devices/:id/commands",
      {
        schema: {
          summary: "Send a command and await its end",
          params: z.object({ id: deviceId }),
          querystring: z.object({ wait: z.enum(["true", "false"]).default("true") }),
          body: order,
          response: { 200: commandDocument, 202: commandDocument, ...answers },
        },
        preParsing: operator,
      },
      async (request, reply) => {
        const { name } = principalOf(request);
        const begin = (): ReturnType<typeof send> => send(request.params.id, request.body, name);
        if (request.query.wait === "true") return patience.wait(name, () => conclude(begin()));
        const sent = begin();
        if (!(await console.desk.kept(sent.command))) throw notKept("it was never sent");
        reply.code(202).header("location", `/api/commands/${sent.command.id}?device=${sent.command.device}`);
        return document(sent.command);
      },
    );

    app.post(
      "/api/collector/:uuid/shutdown",
      {
        schema: {
          summary: "The shutdown command by its older name",
          params: z.object({ uuid: deviceId }),
          response: { 200: commandDocument, ...answers },
        },
        preParsing: operator,
      },
      async (request) => {
        const { name } = principalOf(request);
        return patience.wait(name, () => conclude(send(request.params.uuid, { key: "shutdown" }, name)));
      },
    );

    app.get(
      "/api/commands",
      {
        schema: {
          summary: "Commands, newest first, in pages",
          querystring: z.object({
            device: z.string().optional(),
            state: z.enum(commandStates).optional(),
            limit: z.coerce.number().int().min(1).max(1_000).default(100),
            before: z
              .string()
              .max(130)
              .optional()
              .describe("only what was sent before this one: `next` of the answer before"),
          }),
          response: {
            200: z.object({
              commands: z
                .array(commandDocument)
                .describe("long ones in brief; fewer than the limit where they are many long ones"),
              next: z.string().nullable().describe("where the next page begins; null where there is none"),
            }),
          },
        },
        preParsing: viewer,
      },
      (request, reply) => {
        const { limit: most, ...query } = request.query;
        const steps = listAnswer({
          list: "commands",
          items: console.desk.walk(query),
          document,
          most,
          room: longestPage,
          after: ({ last, more }) => ({ next: more && last ? nameOf(last) : null }),
        });
        return answer(request, reply, steps);
      },
    );

    app.get(
      "/api/commands/:id",
      {
        schema: {
          summary: "One command with its timeline",
          params: z.object({ id: commandId }),
          querystring: ofDevice,
          response: { 200: commandDocument, 404: problemDocument, 409: problemDocument },
        },
        preParsing: viewer,
      },
      async ({ params, query }) => {
        const command = one(params.id, query.device);
        // An end that a power cut could take back must not have been told.
        await console.desk.kept(command);
        return document(one(command.id, command.device));
      },
    );

    app.delete(
      "/api/commands/:id",
      {
        schema: {
          summary: "Withdraw a command",
          params: z.object({ id: commandId }),
          querystring: ofDevice,
          response: { 200: commandDocument, 404: problemDocument, 409: problemDocument },
        },
        preParsing: operator,
      },
      async (request) => {
        const { device, id } = one(request.params.id, request.query.device);
        const cancelled = console.desk.demandCancel(device, id, principalOf(request).name) ?? one(id, device);
        if (!(await console.desk.kept(cancelled))) throw notKept("it is withdrawn as soon as it does");
        return document(cancelled);
      },
    );
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
