import { randomBytes } from "node:crypto";
import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { BadInputError } from "#shared/errors";
import type { Claim } from "#shared/messages/join-messages";
import type { DeviceId } from "#shared/ids";
import { generateSecret, hashSecret, rounds } from "#shared/password";
import { suite, type Scope } from "../../test/suite.ts";
import { Groups } from "../devices/groups.ts";
import { openState } from "../state/state.ts";
import { Claims } from "./claims.ts";
import { Enrollments, maxEnrollmentTtl, maxEnrollments, maxUses, defaultEnrollmentTtl } from "./enrollments.ts";
import { maxOfOneName, namesFor } from "./device-names.ts";
import { JoinRefusedError } from "./join-refused.ts";

async function open(scope: Scope) {
  const clock = new ManualClock();
  const state = openState(await scope.directory(), clock);
  scope.cleanup(() => state.close());
  const { database, accounts } = state;
  const groups = new Groups(database);
  accounts.set(by, "operator");
  const options = { database, accounts, groups, clock, audit: state.audit };
  const enrollments = new Enrollments(options);
  return { clock, accounts, database, groups, enrollments, claims: new Claims({ ...options, enrollments }) };
}

type Codes = Enrollments;
const by = "ann";
const from = "::1";

function codeOf({ enrollment, secret }: ReturnType<Codes["create"]>): string {
  return `${enrollment.id}.${secret}`;
}

/** A machine that nobody has seen before. */
function machine(said: Partial<Claim> = {}): Omit<Claim, "code"> {
  const hash = hashSecret(generateSecret(), rounds.generated);
  return { machine: randomBytes(18).toString("base64url"), hash, ...said };
}

function refusal(work: () => unknown): JoinRefusedError {
  try {
    work();
  } catch (error) {
    if (error instanceof JoinRefusedError) return error;
    throw error;
  }
  throw new Error("it was not refused");
}

suite("enrollments", ({ test }) => {
  test("a code lets as many in as it says, each under a name of its own; the same machine is the same device", async (scope) => {
    const { enrollments, claims, accounts, groups } = await open(scope);
    const code = codeOf(enrollments.create({ name: "{hostname}", uses: 3, groups: ["lab"], by, from }));
    const first = machine({ hostname: "Cam.Lab!" });
    assert.equal(claims.claim({ code, ...first }, "::1"), { device: "cam.lab", isNew: true, isCertified: false });
    assert.equal(claims.claim({ code, ...first }, "::1"), { device: "cam.lab", isNew: false, isCertified: false });
    assert.is(claims.claim({ code, ...machine({ hostname: "cam.lab" }) }, "::1").device, "cam.lab-2");
    assert.is(claims.claim({ code, ...machine({ hostname: "other" }) }, "::1").device, "other");
    assert.is(refusal(() => claims.claim({ code, ...machine({ hostname: "x" }) }, "::1")).why, "ended");
    assert.is(enrollments.list()[0]?.used, 3);
    assert.equal(groups.members("lab"), ["cam.lab", "cam.lab-2", "other"]);
    const hashes = groups.members("lab").map((name) => accounts.find(name)?.hash);
    assert.is(new Set(hashes).size, 3);
    assert.is(hashes[0], first.hash);
  });

  test("a wrong secret, an expired, a revoked and a used up code let nobody in, and only who knows the secret is told why", async (scope) => {
    const { enrollments, claims, clock } = await open(scope);
    const made = enrollments.create({ name: "a", by, from });
    assert.is(
      refusal(() => claims.claim({ code: `${made.enrollment.id}.${generateSecret()}`, ...machine() }, "")).why,
      "unknown",
    );
    for (const code of ["", ".", "nobody.x", `${made.enrollment.id}.`])
      assert.is(refusal(() => claims.claim({ code, ...machine() }, "")).why, "unknown");
    clock.advance(defaultEnrollmentTtl);
    assert.match(refusal(() => claims.claim({ code: codeOf(made), ...machine() }, "")).message, /expired at/);
    const other = enrollments.create({ name: "b", by, from });
    assert.ok(enrollments.revoke(other.enrollment.id, { by, from }));
    assert.match(refusal(() => claims.claim({ code: codeOf(other), ...machine() }, "")).message, /was revoked/);
    assert.is(enrollments.revoke("nobody", { by, from }), false);
  });

  test("a name that is taken is refused, at the making and at the joining; again ends the old secret", async (scope) => {
    const { enrollments, claims, accounts } = await open(scope);
    accounts.set("rpi-7", "device");
    assert.match(
      refusal(() => enrollments.create({ name: "rpi-7", by, from })).message,
      /enrolled already: .* --again/,
    );
    assert.is(refusal(() => enrollments.create({ name: "ann", by, from })).why, "taken");
    assert.is(refusal(() => enrollments.create({ name: "rpi-8", again: true, by, from })).why, "taken");
    const code = codeOf(enrollments.create({ name: "rpi-7", again: true, by, from }));
    const old = accounts.find("rpi-7")?.hash;
    const told: string[] = [];
    accounts.changes.on(({ name }) => told.push(name));
    const asks = machine();
    claims.claim({ code, ...asks }, "");
    assert.is(accounts.find("rpi-7")?.hash, asks.hash);
    assert.is.not(asks.hash, old);
    assert.equal(told, ["rpi-7"], "what was open with the old one ends");

    const late = codeOf(enrollments.create({ name: "rpi-9", by, from }));
    accounts.set("rpi-9", "device");
    assert.match(refusal(() => claims.claim({ code: late, ...machine() }, "")).message, /rpi-9 is taken by now/);
    assert.is(enrollments.list()[0]?.used, 0, "which costs no use");
  });

  test("who was removed does not come back by the code of before", async (scope) => {
    const { enrollments, claims, accounts } = await open(scope);
    const code = codeOf(enrollments.create({ name: "a", by, from, uses: 2 }));
    const asks = machine();
    claims.claim({ code, ...asks }, "");
    accounts.remove("a");
    assert.is(refusal(() => claims.claim({ code, ...asks }, "")).why, "ended");
    assert.is(accounts.find("a"), undefined);
  });

  test("a code is worth what its maker may do, and one to come in again by is for the device as it was", async (scope) => {
    type Place = Awaited<ReturnType<typeof open>>;
    const lab = ["lab"];
    const changes: [string, object, (place: Place) => unknown, RegExp][] = [
      ["removed", {}, ({ accounts }) => accounts.remove("bob"), /account of its maker was removed/],
      ["demoted", {}, ({ accounts }) => accounts.setRights("bob", { role: "viewer" }), /role or groups of its maker/],
      [
        "limited",
        {},
        ({ accounts }) => accounts.setRights("bob", { groups: ["other"] }),
        /role or groups of its maker/,
      ],
      [
        "removed and made anew",
        {},
        ({ accounts }) => {
          accounts.remove("bob");
          accounts.set("bob", "operator", undefined, lab);
        },
        /account of its maker was removed/,
      ],
      [
        "a device moved",
        { name: "rpi-7", again: true },
        ({ groups }) => groups.set("rpi-7" as DeviceId, ["other"]),
        /other groups/,
      ],
      [
        "a device removed and enrolled anew",
        { name: "rpi-7", again: true },
        ({ accounts }) => {
          accounts.remove("rpi-7");
          accounts.set("rpi-7", "device");
        },
        /the device was removed/,
      ],
      [
        "a device enrolled again by another",
        { name: "rpi-7", again: true },
        ({ accounts }) => accounts.set("rpi-7", "device"),
        /another secret/,
      ],
    ];
    for (const [what, order, change, because] of changes) {
      const place = await open(scope);
      place.accounts.set("rpi-7", "device");
      place.groups.set("rpi-7" as DeviceId, lab);
      place.accounts.set("bob", "operator", undefined, lab);
      const made = place.enrollments.create({ name: "new-1", groups: lab, limit: lab, by: "bob", from, ...order });
      change(place);
      const before = place.accounts.find("rpi-7")?.hash;
      const {
        why,
        message,
        because: told,
      } = refusal(() => place.claims.claim({ code: codeOf(made), ...machine() }, ""));
      assert.is(why, "ended", what);
      assert.match(message, /^this code does not hold any more/, what);
      assert.match(told, because, what);
      assert.is(place.accounts.find("new-1"), undefined, what);
      assert.is(place.accounts.find("rpi-7")?.hash, before, what);
      assert.is(place.enrollments.stateOf(place.enrollments.list()[0] ?? made.enrollment), "revoked", what);
    }
  });

  test("whoever is limited gets no name that is or was another's out of reach, and is told of all in one sentence", async (scope) => {
    const { enrollments, claims, accounts, groups, database } = await open(scope);
    const limit = ["lab"];
    accounts.set("bob", "operator", undefined, limit);
    accounts.set("vault-9", "device");
    accounts.set("cam", "device");
    groups.set("cam" as DeviceId, limit);
    accounts.set("boss", "admin");
    database.exec(
      "INSERT INTO commands (id, device, state, ts, document) VALUES ('c1', 'old-cmd', 'succeeded', 1, '{}')",
    );
    database.exec("INSERT INTO removed_devices (device, by, ts, done) VALUES ('old-gone', 'ann', 1, 1)");
    const order = { groups: limit, limit, by: "bob", from };
    const names = ["vault-9", "boss", "old-cmd", "old-gone"];
    const told = names.map((name) => refusal(() => enrollments.create({ ...order, name })).message.replace(name, "X"));
    assert.is(new Set(told).size, 1);
    assert.not.match(told[0] ?? "", /admin|enrolled|--again/);
    const code = codeOf(enrollments.create({ ...order, name: "{hostname}", uses: 9 }));
    for (const hostname of names)
      assert.is(
        refusal(() => claims.claim({ code, ...machine({ hostname }) }, "")).message,
        told[0]?.replace("X", hostname),
      );
    assert.is(claims.claim({ code, ...machine({ hostname: "cam" }) }, "").device, "cam-2", "in reach");
    assert.is(claims.claim({ code, ...machine({ hostname: "new" }) }, "").device, "new");
    enrollments.create({ name: "old-gone", by, from });
  });

  test("bounds of uses, of time and of codes", async (scope) => {
    const { enrollments, clock } = await open(scope);
    const order = { name: "{mac}", by, from };
    assert.is(enrollments.create({ ...order, uses: maxUses, ttl: maxEnrollmentTtl }).enrollment.uses, maxUses);
    for (const wrong of [{ uses: maxUses + 1 }, { uses: 0 }, { uses: 1.5 }, { ttl: maxEnrollmentTtl + 1 }, { ttl: 0 }])
      assert.throws(
        () => enrollments.create({ ...order, ...wrong }),
        (error: unknown) => error instanceof BadInputError,
      );
    for (let count = 1; count < maxEnrollments; count += 1) enrollments.create({ ...order, ttl: 1_000 });
    assert.is(refusal(() => enrollments.create(order)).why, "full");
    clock.advance(1_000);
    enrollments.create(order);
    assert.is(enrollments.list().length, maxEnrollments);
    assert.is(enrollments.list().at(-1)?.uses, maxUses, "one that is good stays, however old");
  });

  test("names by what the machine says: cleaned, numbered, in bounds; refused where it says nothing", () => {
    const first = (name: string, said: object): string => namesFor(name, said).next().value ?? "";
    assert.is(first("rpi-{serial}", { serial: "10000000A1B2" }), "rpi-10000000a1b2");
    assert.is(first("{mac}", { mac: "B8:27:EB:01:02:03" }), "b827eb010203");
    assert.is(first("{hostname}", { hostname: "--Straße Nr. 1\u001b[2J" }), "stra-e-nr.-1-2j");
    assert.is(first("{hostname}", { hostname: "x".repeat(100) }).length, 63);
    assert.is(first("{hostname}", { hostname: "console" }), "console-2");
    assert.throws(() => first("{serial}", { hostname: "a" }), /asks for a serial number, which this machine has not/);
    const all = [...namesFor("x".repeat(63), {})];
    assert.is(all.length, maxOfOneName);
    assert.is(new Set(all).size, maxOfOneName);
  });
});
