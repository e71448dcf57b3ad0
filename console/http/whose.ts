import type { FastifyRequest } from "fastify";
import type { Principal } from "#shared/principal";
import { loginIn, may, askerOf } from "./auth.ts";
import { HttpError } from "./problem.ts";

/** Whose sessions and tokens one may see and end: one's own, and an administrator who is limited to nothing everybody's (undefined). */
export function whose(request: FastifyRequest): string | undefined {
  const { name, groups } = askerOf(request);
  return may(request, "admin") && groups === undefined ? undefined : name;
}

/**
 * A token that may less than its account ends no other's session or token, though they are the account's own: it was made for less.
 * @param id what is to be ended @throws HttpError
 */
export function assertWhole(request: FastifyRequest, account: Principal | undefined, id: string): void {
  const { principal, token } = loginIn(request);
  const isWhole = principal.role === account?.role && principal.groups?.join() === account.groups?.join();
  if (isWhole || token === id) return;
  throw new HttpError(403, `this token may less than "${principal.name}": it ends no session or token but itself`);
}
