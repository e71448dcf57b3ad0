import type { ZodRoutes } from "../zod-routes.ts";
import type { DevicesTlsDocument, TlsDocument } from "#api/tls-routes";
import type { CaRotation, RotationState } from "../../ca-rotation.ts";
import type { DeviceRotation, DeviceRotationState } from "../../certificates/device-rotation.ts";
import { served } from "../serve.ts";

/** What the routes of TLS serve. */
export interface TlsRoutes {
  readonly rotation: Pick<CaRotation, "state" | "rotate" | "finish">;
  readonly deviceRotation: Pick<DeviceRotation, "state" | "rotate" | "finish">;
}

/** Agents and devices that are named as lacking an authority, of as many as there are. */
export const maxNamed = 100;

/** A rotation as it leaves. */
export function toTlsDocument({ lacking, next, ...state }: RotationState): TlsDocument {
  return { ...state, next: next ?? null, lacking: lacking.slice(0, maxNamed), lackingCount: lacking.length };
}

function toDevicesDocument({ lacking, before, ...state }: DeviceRotationState): DevicesTlsDocument {
  return { ...state, before: before ?? null, lacking: lacking.slice(0, maxNamed), lackingCount: lacking.length };
}

/** The private authority and that of devices' certificates, and their rotations. */
export const serveTls =
  ({ rotation, deviceRotation }: TlsRoutes): ZodRoutes =>
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

    app.route({ ...served("getDevicesTls"), handler: async () => toDevicesDocument(deviceRotation.state) });

    app.route({
      ...served("rotateDevicesTls"),
      handler: async () => {
        await deviceRotation.rotate();
        return toDevicesDocument(deviceRotation.state);
      },
    });

    app.route({
      ...served("finishDevicesTls"),
      handler: async ({ body: { leaveBehind } }) => {
        deviceRotation.finish(leaveBehind);
        return toDevicesDocument(deviceRotation.state);
      },
    });
  };
