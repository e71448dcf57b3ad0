import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import type { TlsDocument } from "#api/tls-routes";
import type { CaRotation, RotationState } from "../../ca-rotation.ts";
import { served } from "../serve.ts";

/** What the routes of TLS serve. */
export interface TlsRoutes {
  readonly rotation: Pick<CaRotation, "state" | "rotate" | "finish">;
}

/** Agents that are named as lacking an authority, of as many as there are. */
export const maxNamed = 100;

/** A rotation as it leaves. */
export function toTlsDocument({ lacking, next, ...state }: RotationState): TlsDocument {
  return { ...state, next: next ?? null, lacking: lacking.slice(0, maxNamed), lackingCount: lacking.length };
}

/** The private authority, and its rotation. */
export const serveTls =
  ({ rotation }: TlsRoutes): FastifyPluginAsyncZod =>
  async (app) => {
    const document = (): TlsDocument => toTlsDocument(rotation.state);

    app.route({ ...served("getTls"), handler: async () => document() });

    app.route({
      ...served("rotateTls"),
      handler: async ({ body: { authority } }) => {
        const brought = authority === "new" ? undefined : authority;
        await rotation.rotate(brought);
        return document();
      },
    });

    app.route({
      ...served("finishTls"),
      handler: async ({ body: { leaveBehind } }) => {
        rotation.finish(leaveBehind);
        return document();
      },
    });
  };
