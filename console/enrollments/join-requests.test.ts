import { randomBytes } from "node:crypto";
import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import type { JoinQuestion } from "#shared/messages/join-messages";
import { joinFingerprint } from "#shared/join-fingerprint";
import { generateSecret, hashSecret, rounds } from "#shared/password";
import { suite, type Scope } from "../../test/suite.ts";
import { Groups } from "../devices/groups.ts";
import { openState } from "../state/state.ts";
import { JoinRefusedError } from "./join-refused.ts";
import { JoinRequests, maxRequests, maxRequestsOfNetwork, requestMemory } from "./join-requests.ts";

const who = { by: "ann", from: "::1" };

async function open(scope: Scope) {
  const clock = new ManualClock();
  const state = openState(await scope.directory(), clock);
  scope.cleanup(() => state.close());
  const { database, accounts, audit } = state;
  const groups = new Groups(database);
  return { clock, accounts, groups, requests: new JoinRequests({ database, accounts, groups, audit, clock }) };
}

function question(): JoinQuestion {
  const hash = hashSecret(generateSecret(), rounds.generated);
  return { machine: randomBytes(18).toString("base64url"), hash };
}

function why(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof JoinRefusedError) return error.why;
    throw error;
  }
  return "nothing";
}

suite("machines that ask to join", ({ test }) => {
  test("one that a person lets in is a device with the secret that it made; one that is denied is none", async (scope) => {
    const { requests, accounts, groups } = await open(scope);
    const [yes, no] = [question(), question()];
    const { id } = requests.ask(yes, "10.0.0.1");
    const { id: other } = requests.ask(no, "10.0.0.2");
    assert.is(requests.ask(yes, "10.0.0.1").id, id, "asking twice is asking once");
    assert.is(
      why(() => requests.ask({ ...yes, hash: no.hash }, "10.0.0.3")),
      "taken",
    );
    accounts.set("rpi-7", "device");
    assert.is(
      why(() => requests.approve(id, { name: "rpi-7", groups: [], ...who })),
      "taken",
    );
    assert.is(requests.approve(id, { name: "waiting", groups: ["lab"], ...who }), "waiting");
    requests.deny(other, who);
    assert.equal(requests.ask(yes, "10.0.0.1").verdict, { device: "waiting" });
    assert.equal(requests.ask(no, "10.0.0.2").verdict, { device: null });
    assert.is(accounts.find("waiting")?.hash, yes.hash);
    assert.equal(groups.members("lab"), ["waiting"]);
    assert.equal(requests.waiting(), []);
    for (const gone of [id, other, "nobody"])
      assert.is(
        why(() => requests.deny(gone, who)),
        "absent",
      );
  });

  test("a flood leaves room for others, is bounded in all, and is forgotten when it asks no more", async (scope) => {
    const { requests, clock } = await open(scope);
    for (let count = 0; count < maxRequestsOfNetwork; count += 1) requests.ask(question(), "10.0.0.1");
    assert.is(
      why(() => requests.ask(question(), "10.0.0.1")),
      "full",
    );
    for (let count = maxRequestsOfNetwork; count < maxRequests; count += 1)
      requests.ask(question(), `10.1.${count >> 8}.${count & 255}`);
    assert.is(
      why(() => requests.ask(question(), "10.9.9.9")),
      "full",
    );
    clock.advance(requestMemory + 1);
    requests.ask(question(), "10.0.0.1");
    assert.is(requests.waiting().length, 1);
  });

  test("the fingerprint is of the machine's hash and of the authority that each side sees", () => {
    const { hash } = question();
    assert.match(joinFingerprint(hash, null), /^[0-9a-f]{4}(-[0-9a-f]{4}){7}$/);
    assert.is.not(joinFingerprint(hash, null), joinFingerprint(question().hash, null));
    assert.is.not(joinFingerprint(hash, "ab".repeat(32)), joinFingerprint(hash, "cd".repeat(32)));
  });
});
