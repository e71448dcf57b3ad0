import type { FastifyRequest } from "fastify";
import type { DeviceId } from "#shared/ids";
import { parseScope, scopeText, type Scope } from "../configuration/scope.ts";
import { askerOf, assertWithinReach } from "./auth.ts";
import { HttpError } from "./problem.ts";

/**
 * Whose something is, as a request says. @param what it is, as it stands in a refusal @param found throws for a device that is not there
 * @throws HttpError also for what is out of reach, as for what is not there
 */
export function scopeAsked(request: FastifyRequest, text: string, what: string, found: (id: DeviceId) => void): Scope {
  const scope = parseScope(text);
  if (!scope) throw new HttpError(404, `whose ${what}? Expected default, group:NAME or device:NAME`);
  if (scope.kind === "device") {
    assertWithinReach(request, scope.name);
    found(scope.name as DeviceId);
  }
  if (!maySeeScope(request, scope)) throw new HttpError(404, `there are no ${what} of ${scopeText(scope)}`);
  return scope;
}

/** Who is limited to groups sees what is said for these and for all, which holds for their devices too, and for the devices in reach. */
export function maySeeScope(request: FastifyRequest, { kind, name }: Scope): boolean {
  if (kind === "device") return request.login?.reaches(name) !== false;
  return kind === "default" || (askerOf(request).groups?.includes(name) ?? true);
}

/** Whoever is limited to groups says nothing for all. @throws HttpError */
export function assertMayChange(request: FastifyRequest, scope: Scope): void {
  const { name, groups } = askerOf(request);
  if (scope.kind === "default" && groups !== undefined)
    throw new HttpError(
      403,
      `"${name}" is limited to ${groups.join(", ")}, and may not change what holds for all devices`,
    );
}
