import type { ZodRoutes } from "../zod-routes.ts";
import type { SetAsideDocument } from "#api/quarantine-routes";
import type { DeviceId } from "#shared/ids";
import { adviceOf, typeFor } from "../../ingest/contract/advice.ts";
import type { Contract } from "../../ingest/contract/contract.ts";
import type { Quarantine, SetAside } from "../../ingest/contract/quarantine.ts";
import { isDecided } from "../../ingest/contract/settling.ts";
import { limitOf } from "../auth.ts";
import type { Reach } from "../../jobs/target.ts";
import { listAnswer, type Send } from "../list-pages.ts";
import { HttpError } from "../problem.ts";
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
  ({ contract, send }: QuarantineRoutes): ZodRoutes =>
  async (app) => {
    app.route({
      ...served("getQuarantine"),
      handler: (request, reply) => {
        const { device, limit: most } = request.query;
        const { quarantine } = contract;
        const reaches = limitOf(request);
        const steps = listAnswer({
          list: "entries",
          items: lazily(() => quarantine.list(device)),
          only: reaches && ((one) => reaches(one.device)),
          document: (one) => toEntry(contract, one),
          most,
          after: () => ({ more: theirs(quarantine, device, reaches, (one) => quarantine.more(one)) }),
        });
        return send(request, reply, steps);
      },
    });

    app.route({
      ...served("forgetQuarantine"),
      handler: async (request) => {
        const { quarantine } = contract;
        const { device, measurement, field } = request.query;
        if ((measurement === undefined) !== (field === undefined))
          throw new HttpError(400, "a field has a name and a measurement: expected both, or neither");
        const forget = (id?: DeviceId): number =>
          measurement === undefined || field === undefined
            ? quarantine.forget(id)
            : quarantine.forgetEntries(measurement, field, id);
        return { forgotten: theirs(quarantine, device, limitOf(request), forget) };
      },
    });

    app.route({
      ...served("getSeries"),
      handler: (request, reply) => {
        const { budget } = contract;
        const reaches = limitOf(request) ?? (() => true);
        const isWithin = ({ device }: { readonly device: string }): boolean => reaches(device);
        const steps = listAnswer({
          list: "devices",
          items: lazily(() => budget.offenders()),
          only: isWithin,
          document: (one) => one,
          most: maxOffenders,
          before: { budget: budget.budget },
          after: () => ({ largest: budget.sizes().filter(isWithin).slice(0, maxNamedDevices) }),
        });
        return send(request, reply, steps);
      },
    });
  };

/** What is asked of one device, or of all: of all that are within reach. */
function theirs(
  quarantine: Quarantine,
  device: DeviceId | undefined,
  reaches: Reach | undefined,
  ask: (device?: DeviceId) => number,
): number {
  if (!reaches) return ask(device);
  const devices = device === undefined ? quarantine.devices() : [device];
  return devices.filter(reaches).reduce((sum, one) => sum + ask(one), 0);
}

/** Sorting is a step of its own: not in the turn in which many may ask. */
function* lazily<T>(list: () => Iterable<T>): Generator<T, void, void> {
  yield* list();
}
