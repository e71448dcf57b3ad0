import type { DeviceId } from "#shared/ids";
import { BadInputError } from "#shared/errors";
import { check } from "#shared/messages/payload-schema";
import type { Signature } from "#shared/messages/command-signature";
import { rotated } from "#shared/messages/join-messages";
import type { Accounts } from "../accounts/accounts.ts";
import type { Audit } from "../audit/audit.ts";
import type { Command } from "../desk/command.ts";
import type { Desk } from "../desk/desk.ts";

/** Who has a device change its secret. */
export interface RotationOrder {
  readonly by: string;
  readonly from: string;
  /** The command's, where a person has signed it. */
  readonly id?: string | undefined;
  readonly signature?: Signature | undefined;
}

export interface RotateSecretOptions {
  readonly accounts: Accounts;
  readonly audit: Pick<Audit, "record">;
  /** Sends a command and awaits its end. */
  readonly send: (
    device: string,
    order: { key: string; id?: string; signature?: Signature },
    options: { by: string },
  ) => Promise<Command>;
  /** Where the answer is heard: the command does not keep it. */
  readonly desk: Pick<Desk, "withheld">;
  /** Whether the broker knows one secret a name, as a password file does: then the next takes the place of the present one at once. */
  readonly oneSecret: boolean;
}

/**
 * Has a device change its secret. It makes the next one itself and tells its hash; it has both until it has come in with the next, and so, where the
 * broker can, has the console. What waits in its outbox waits over the reconnect.
 * @throws BadInputError for one whose secret cannot be changed so; CommandRefusedError, CommandFailedError and CommandTimeoutError as any command does: then its secret is as it was
 */
export async function rotateSecret(
  device: DeviceId,
  { by, from, id: chosen, signature }: RotationOrder,
  { accounts, audit, send, desk, oneSecret }: RotateSecretOptions,
): Promise<void> {
  if (accounts.find(device)?.certified)
    throw new BadInputError(
      `${device} identifies itself by a certificate, which it renews by itself: end that with muster device ${device} --revoke, and enrol it again with muster enroll ${device} --again --certificate`,
    );
  const answers = new Map<string, unknown>();
  const end = desk.withheld.on(({ command, result }) => {
    if (command.device === device) answers.set(command.id, result);
  });
  const { id } = await send(
    device,
    { key: "rotate-secret", ...(chosen === undefined ? {} : { id: chosen }), ...(signature ? { signature } : {}) },
    { by },
  ).finally(end);
  const { hash } = check(rotated, answers.get(id), "the device's answer");
  audit.record({ who: by, from, what: "device.secret-rotated", on: device });
  if (oneSecret) accounts.putDevice(device, hash);
  else accounts.nextSecrets.put(device, hash);
  // It comes again with the next one.
  accounts.changed(device);
}
