import type { ZodRoutes } from "../zod-routes.ts";
import type { JoinRequestDocument } from "#api/enrollment-routes";
import { joinFingerprint } from "#shared/join-fingerprint";
import type { JoinRequest, JoinRequests } from "../../enrollments/join-requests.ts";
import { askerOf } from "../auth.ts";
import { hostIn, type Joining } from "../joining.ts";
import { listAnswer, type Send } from "../list-pages.ts";
import { served } from "../serve.ts";

export interface JoinRequestsServed {
  readonly joinRequests: JoinRequests;
  readonly joining: Joining;
  readonly send: Send;
}

/** Machines that ask to come in without a code: what they are told, and what people say to it. */
export const serveJoinRequests =
  ({ joinRequests, joining, send }: JoinRequestsServed): ZodRoutes =>
  async (app) => {
    const document = ({ id, hash, address, since, hostname, serial, mac }: JoinRequest): JoinRequestDocument => ({
      id,
      fingerprint: joinFingerprint(hash, joining.authority?.fingerprint ?? null),
      address,
      since,
      hostname: hostname ?? null,
      serial: serial ?? null,
      mac: mac ?? null,
    });

    app.route({
      ...served("askToJoin"),
      handler: async ({ body, ip, host }) => {
        const { verdict } = joinRequests.ask(body, ip);
        if (!verdict) return { state: "waiting" as const, admission: null };
        if (verdict.device === null) return { state: "denied" as const, admission: null };
        return { state: "approved" as const, admission: joining.admissionOf(verdict.device, hostIn(host)) };
      },
    });

    app.route({
      ...served("listJoinRequests"),
      handler: (request, reply) =>
        send(request, reply, listAnswer({ list: "requests", items: joinRequests.waiting(), document })),
    });

    app.route({
      ...served("approveJoinRequest"),
      handler: async (request) => {
        const { name, groups } = request.body;
        const asker = askerOf(request);
        const who = { by: asker.name, from: request.ip };
        return { device: joinRequests.approve(request.params.id, { name, groups: groups ?? [], ...who }) };
      },
    });

    app.route({
      ...served("denyJoinRequest"),
      handler: async (request, reply) => {
        joinRequests.deny(request.params.id, { by: askerOf(request).name, from: request.ip });
        reply.code(204);
        return null;
      },
    });
  };
