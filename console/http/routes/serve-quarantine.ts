import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import type { SetAsideDocument } from "#api/quarantine-routes";
import { adviceOf, typeFor } from "../../ingest/contract/advice.ts";
import type { Contract } from "../../ingest/contract/contract.ts";
import type { SetAside } from "../../ingest/contract/quarantine.ts";
import { isDecided } from "../../ingest/contract/settling.ts";
import { listAnswer, type Send } from "../list-pages.ts";
import { served } from "../serve.ts";

function toEntry({ conflicts }: Pick<Contract, "conflicts">, one: SetAside): SetAsideDocument {
  const conflict = conflicts.of(one.measurement, one.field);
  const type = typeFor(one.got);
  if (type === undefined || !conflict || isDecided(conflict.origin.how))
    return { ...one, advice: adviceOf(one, undefined) };
  const held = conflict.held.find(({ device }) => device === one.device)?.values ?? 0;
  return { ...one, held, settle: [...new Set([conflict.type, type])], advice: adviceOf(one, held) };
}

/** Devices that are named with the number of their series. */
const maxNamedDevices = 20;
/** Devices beyond their budget in one answer, the worst first: when these are mended the others come. */
export const maxOffenders = 1_000;

/** What the routes of the quarantine and the budget of series serve. */
export interface QuarantineRoutes {
  readonly contract: Pick<Contract, "budget" | "conflicts" | "quarantine">;
  readonly send: Send;
}

/** What is set aside before the store: fields that do not fit, and series beyond the budget. */
export const serveQuarantine =
  ({ contract, send }: QuarantineRoutes): FastifyPluginAsyncZod =>
  async (app) => {
    app.route({
      ...served("getQuarantine"),
      handler: (request, reply) => {
        const { device, limit: most } = request.query;
        const { quarantine } = contract;
        const steps = listAnswer({
          list: "entries",
          items: lazily(() => quarantine.list(device)),
          document: (one) => toEntry(contract, one),
          most,
          after: () => ({ more: quarantine.more(device) }),
        });
        return send(request, reply, steps);
      },
    });

    app.route({
      ...served("forgetQuarantine"),
      handler: async ({ query }) => ({ forgotten: contract.quarantine.forget(query.device) }),
    });

    app.route({
      ...served("getSeries"),
      handler: (request, reply) => {
        const { budget } = contract;
        const steps = listAnswer({
          list: "devices",
          items: lazily(() => budget.offenders()),
          document: (one) => one,
          most: maxOffenders,
          before: { budget: budget.budget },
          after: () => ({ largest: budget.sizes().slice(0, maxNamedDevices) }),
        });
        return send(request, reply, steps);
      },
    });
  };

/** Sorting is a step of its own: not in the turn in which many may ask. */
function* lazily<T>(list: () => Iterable<T>): Generator<T, void, void> {
  yield* list();
}
