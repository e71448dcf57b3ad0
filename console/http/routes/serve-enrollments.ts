import type { ZodRoutes } from "../zod-routes.ts";
import type { EnrollmentDocument } from "#api/enrollment-routes";
import { parseDuration } from "#shared/duration";
import { formatJoinCode } from "#shared/join-code";
import type { Principal } from "#shared/principal";
import type { Certifying } from "../../certificates/certifying.ts";
import { isWithin } from "../../enrollments/code-maker.ts";
import type { Enrollment } from "../../enrollments/enrollment.ts";
import type { Enrollments } from "../../enrollments/enrollments.ts";
import { assertWithinReach, askerOf } from "../auth.ts";
import { qrCode } from "../../enrollments/qr-code.ts";
import type { Joining } from "../joining.ts";
import { listAnswer, type Send } from "../list-pages.ts";
import { HttpError } from "../problem.ts";
import { served } from "../serve.ts";

export interface EnrollmentsServed {
  readonly enrollments: Enrollments;
  readonly certifying: Pick<Certifying, "isAble">;
  readonly joining: Joining;
  readonly send: Send;
}

/** Codes by which machines come in by themselves: made, listed, revoked. */
export const serveEnrollments =
  ({ enrollments, certifying, joining, send }: EnrollmentsServed): ZodRoutes =>
  async (app) => {
    const document = (enrollment: Enrollment): EnrollmentDocument => {
      const { id, name, groups, uses, used, again, certificate, by, created, expires } = enrollment;
      const joined = enrollments.joins(id).map(({ device, ts, address }) => ({ device, ts, address }));
      const state = enrollments.stateOf(enrollment);
      return { id, name, groups: [...groups], uses, used, again, certificate, by, created, expires, state, joined };
    };

    const within = (principal: Principal): readonly Enrollment[] =>
      enrollments.list().filter(({ groups }) => isWithin(principal.groups, groups));

    app.route({
      ...served("createEnrollment"),
      handler: async (request, reply) => {
        const { origin: given, ttl, groups, ...order } = request.body;
        const principal = askerOf(request);
        // What is out of reach is not there.
        if (order.again) assertWithinReach(request, order.name);
        if (order.certificate && !certifying.isAble)
          throw new HttpError(
            409,
            "devices are given certificates for Muster's own broker where it is open beyond this machine (start with --listen 0.0.0.0), and for a Mosquitto whose settings muster mosquitto --listen 0.0.0.0 has written",
          );
        const origin = joining.originFor(given, `${request.protocol}://${request.host}`);
        // What stands in the way of the line does so before there is a code.
        void joining.files;
        const { enrollment, secret } = enrollments.create({
          ...order,
          ...(ttl === undefined ? {} : { ttl: parseDuration(ttl, "ttl") }),
          groups: groupsFor(principal, groups),
          by: principal.name,
          limit: principal.groups,
          from: request.ip,
        });
        const ca = origin.startsWith("https:") ? joining.authority?.fingerprint : undefined;
        const code = formatJoinCode({ id: enrollment.id, secret, origin, ca });
        const line = joining.lineFor(origin, code);
        reply.code(201);
        return {
          enrollment: document(enrollment),
          code,
          line,
          qr: qrCode(line),
          note: joining.noteFor(origin),
        };
      },
    });

    app.route({
      ...served("listEnrollments"),
      handler: (request, reply) =>
        send(request, reply, listAnswer({ list: "enrollments", items: within(askerOf(request)), document })),
    });

    app.route({
      ...served("revokeEnrollment"),
      handler: async (request, reply) => {
        const { id } = request.params;
        if (
          !within(askerOf(request)).some((one) => one.id === id) ||
          !enrollments.revoke(id, { by: askerOf(request).name, from: request.ip })
        )
          throw new HttpError(404, "there is no such code; GET /api/enrollments lists them");
        reply.code(204);
        return null;
      },
    });
  };

/** Who is limited to one group need not name it. @throws HttpError */
function groupsFor(principal: Principal, asked: readonly string[] = []): readonly string[] {
  const { name, groups: own } = principal;
  const groups = asked.length === 0 && own?.length === 1 ? own : asked;
  if (isWithin(principal.groups, groups)) return groups;
  throw new HttpError(
    403,
    `"${name}" is limited to groups of devices: expected one or more of ${own?.join(", ") ?? ""} for what comes in by the code`,
  );
}
