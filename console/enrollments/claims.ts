import { timingSafeEqual } from "node:crypto";
import type { DeviceId } from "#shared/ids";
import type { Claim } from "#shared/messages/join-messages";
import { damageOf } from "../database/damage.ts";
import { transaction } from "../database/database.ts";
import { isRetired } from "../devices/retirements.ts";
import { holdsNoMore, limitOfMaker, type Limit } from "./code-maker.ts";
import { isTemplate, namesFor, type MachineSaid } from "./device-names.ts";
import { parseJoin, type Enrollment, type KeptEnrollment } from "./enrollment.ts";
import { digestOf, type Enrollments, type EnrollmentsOptions } from "./enrollments.ts";
import { JoinRefusedError } from "./join-refused.ts";
import { NamesInReach } from "./names-in-reach.ts";

export interface ClaimsOptions extends EnrollmentsOptions {
  readonly enrollments: Pick<Enrollments, "kept" | "stateOf">;
  /** Another machine, or one that knows nothing any more, is this device from now on. */
  readonly replaced?: (device: DeviceId) => void;
}

/** Machines that come in by a code: whether it is good for this one, and who it is from now on. */
export class Claims {
  readonly #options: ClaimsOptions;
  readonly #names: NamesInReach;

  constructor(options: ClaimsOptions) {
    this.#options = options;
    const { database, accounts } = options;
    this.#names = new NamesInReach({ database, accounts, groupsOf: this.#groupsOf });
  }

  readonly #groupsOf = (device: string): readonly string[] => this.#options.groups.of(device);

  /**
   * Lets a machine in: gives it a name and an account with its own secret's hash. The same machine with the same code is the same device.
   * @throws JoinRefusedError, which says to who does not know the secret nothing but that it is wrong; BadInputError for a name that cannot be
   */
  claim(
    { code, machine: key, hash, certificate, ...machine }: Claim,
    address: string,
  ): { readonly device: DeviceId; readonly isNew: boolean; readonly isCertified: boolean } {
    const { database, accounts, audit } = this.#options;
    const { device, told, isCertified, isAgain } = transaction(database, () => {
      const enrollment = this.#opened(code);
      const isCertified = enrollment.certificate;
      const before = this.#joined(enrollment.id, key);
      const isAgain = enrollment.again;
      if (before) return { device: this.#same(before, hash), told: undefined, isCertified, isAgain };
      this.#assertOpen(enrollment);
      const limit = limitOfMaker(enrollment, { accounts, groupsOf: this.#groupsOf });
      if (isCertified && !certificate)
        throw new JoinRefusedError(
          "ended",
          "this code is for devices with a certificate, and this agent is of a version that knows none: use a newer one",
        );
      const name = this.#nameFor(enrollment, machine, limit);
      const now = Math.round(this.#options.clock.now());
      database.prepare("UPDATE enrollments SET used = used + 1 WHERE id = ?").run(enrollment.id);
      database
        .prepare("INSERT INTO joins (enrollment, machine, device, ts, address) VALUES (?, ?, ?, ?, ?)")
        .run(enrollment.id, key, name, now, address);
      accounts.putDevice(name, hash, isCertified);
      const detail = { code: enrollment.id, by: enrollment.by, again: enrollment.again, certificate: isCertified };
      audit.record({ who: name, from: address, what: "device.enrolled", on: name, result: "ok", detail });
      return { device: name, told: this.#options.groups.add(name, enrollment.groups), isCertified, isAgain };
    });
    told?.();
    // What it had open under an old secret ends now.
    if (told) accounts.changed(device);
    if (told && isAgain) this.#options.replaced?.(device);
    return { device, isNew: told !== undefined, isCertified };
  }

  #opened(code: string): KeptEnrollment {
    const [id = "", secret = ""] = code.split(".");
    const row = this.#options.enrollments.kept(id);
    const expected = Buffer.from(row?.hash ?? digestOf(""), "hex");
    const given = Buffer.from(digestOf(secret), "hex");
    if (row && given.length === expected.length && timingSafeEqual(given, expected)) return row;
    throw new JoinRefusedError(
      "unknown",
      "this code is not known here: it was mistyped, or was made by another console",
    );
  }

  #assertOpen(enrollment: KeptEnrollment): void {
    const state = this.#options.enrollments.stateOf(enrollment);
    if (state === "open") return;
    if (state === "revoked" && enrollment.ended !== "") throw holdsNoMore(enrollment.ended);
    const why = {
      used: `this code has let in ${enrollment.used} of ${enrollment.uses}, and is used up`,
      expired: `this code expired at ${new Date(enrollment.expires).toISOString()}`,
      revoked: "this code was revoked",
    }[state];
    throw new JoinRefusedError("ended", `${why}: have another one made, with muster enroll or the page's Add a device`);
  }

  /** @throws JoinRefusedError where the name is another's by now */
  #same(device: DeviceId, hash: string): DeviceId {
    if (this.#options.accounts.find(device)?.hash === hash) return device;
    throw new JoinRefusedError(
      "ended",
      `this machine has joined with this code before, as ${device}, which was removed or has been given another secret since: have another code made`,
    );
  }

  #nameFor({ name, uses, again }: Enrollment, machine: MachineSaid, limit: Limit): DeviceId {
    const { accounts, database } = this.#options;
    for (const id of namesFor(name, machine)) {
      this.#names.check(id, limit);
      const role = accounts.find(id)?.role ?? (isRetired(database, id) ? "device" : undefined);
      if (role === undefined || (again && role === "device")) return id;
      if (uses === 1 && !isTemplate(name)) break;
    }
    throw new JoinRefusedError(
      "taken",
      `the name ${name} is taken by now: have another code made${isTemplate(name) ? "" : ", for a device that was wiped with --again"}`,
    );
  }

  #joined(enrollment: string, machine: string): DeviceId | undefined {
    const { database } = this.#options;
    const select = database.prepare("SELECT * FROM joins WHERE enrollment = ? AND machine = ?");
    return damageOf(database).one("joins", select, parseJoin, enrollment, machine)?.device;
  }
}
