import type { ZodRoutes } from "../zod-routes.ts";
import type { UnitWordDocument } from "#api/unit-routes";
import type { DeviceId } from "#shared/ids";
import { scopeText } from "../../configuration/scope.ts";
import type { UnitWord, UnitWords } from "../../units/unit-words.ts";
import { changing } from "../audited-routes.ts";
import { askerOf, noDevice } from "../auth.ts";
import { assertMayChange, maySeeScope, scopeAsked } from "../scope-rights.ts";
import { served } from "../serve.ts";

export interface UnitRoutes {
  readonly unitWords: Pick<UnitWords, "list" | "find" | "put">;
  readonly isKnown: (id: DeviceId) => boolean;
  readonly now: () => number;
}

/** What people call fields: said, and looked up. */
export const serveUnits =
  ({ unitWords, isKnown, now }: UnitRoutes): ZodRoutes =>
  async (app) => {
    app.route({
      ...served("listUnits"),
      handler: async (request) => ({
        units: unitWords
          .list()
          .filter(({ scope }) => maySeeScope(request, scope))
          .map(toDocument),
      }),
    });

    app.route({
      ...served("setUnit"),
      handler: async (request) => {
        const { scope: text, measurement, field, unit, title } = request.body;
        const scope = scopeAsked(request, text, "units", (id) => {
          if (!isKnown(id)) throw noDevice(id);
        });
        assertMayChange(request, scope);
        const before = unitWords.find(scope, measurement, field);
        const word: UnitWord = {
          scope,
          measurement,
          field,
          unit: unit === undefined ? (before?.unit ?? null) : unit,
          title: title === undefined ? (before?.title ?? null) : title,
          by: askerOf(request).name,
          ts: Math.round(now()),
        };
        const [was, is] = [before ?? { unit: null, title: null }, word];
        if (was.unit === is.unit && was.title === is.title) return toDocument(before ?? word);
        changing(request, () => unitWords.put(word))();
        return toDocument(word);
      },
    });
  };

function toDocument({ scope, ...word }: UnitWord): UnitWordDocument {
  return { scope: scopeText(scope), ...word };
}
