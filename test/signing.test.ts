import { rm } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import type { Agent } from "../agent/agent.ts";
import { CommandRefusedError } from "../console/desk/command-errors.ts";
import { systemClock } from "#shared/clock";
import { encode } from "#shared/codec";
import { newCommandId, parseCommandId, parseDeviceId } from "#shared/ids";
import { Link } from "#shared/link";
import { silentLog } from "#shared/log";
import { readReply, type Task } from "#shared/messages/command-messages";
import type { Signature } from "#shared/messages/command-signature";
import { testSigner } from "#shared/signing/fixture";
import { brokerKinds, startFleet, type Fleet } from "./fleet.ts";
import { eventually, suite, type Scope } from "./suite.ts";

const ann = testSigner(1, "ann");
const eve = testSigner(2, "eve");
const hour = 3_600_000;
const seven = parseDeviceId("rpi-7");

/** Agents that take what Ann has signed, and count what they did. */
async function place(scope: Scope, kind: (typeof brokerKinds)[number]) {
  const fleet = await startFleet(scope, kind);
  const done: string[] = [];
  const begin = (directory: string, device = "rpi-7"): Agent => {
    const agent = fleet.newAgent(device, { directory, signers: [ann.public.line] });
    agent.handle("open", {
      run: (args, { command }) => void done.push(`${device} ${command.id} ${JSON.stringify(args)}`),
    });
    agent.start();
    return agent;
  };
  const directory = await scope.directory();
  const agent = begin(directory);
  begin(await scope.directory(), "rpi-8");
  for (const device of ["rpi-7", "rpi-8"]) await fleet.sees(device, true);
  return { fleet, agent, begin, directory, done };
}

interface Told {
  readonly id: string;
  readonly key: string;
  readonly args: { readonly door: string };
}

function told(door: string): Told {
  return { id: newCommandId(Date.now()), key: "open", args: { door } };
}

function sign(order: Told, changes: { device?: string; ts?: number; expires?: number } = {}, by = ann): Signature {
  const ts = Date.now();
  return by.command({ device: "rpi-7", ts, expires: ts + hour, ...order, ...changes });
}

/** Somebody with the console's rights at the broker, when the console is gone: says what is told, and hears the replies. */
async function thief(scope: Scope, fleet: Fleet) {
  await fleet.console.stop();
  const [login, replies] = [fleet.secretOf("console"), new Map<string, string>()];
  const link = new Link({
    url: fleet.url,
    clientId: "console",
    username: "console",
    password: login,
    version: 4,
    log: silentLog,
    clock: systemClock,
  });
  link.subscribe(["muster/+/reply/+"], ({ topic, payload }) => {
    const { value } = readReply(payload);
    const [, device = "", , id = ""] = topic.split("/");
    if (!("error" in value) && value.state !== "succeeded") return;
    replies.set(`${device} ${id}`, "error" in value ? value.error.code : value.state);
  });
  link.start();
  scope.cleanup(() => link.stop());
  await eventually("the thief's connection", () => link.connected);
  const say = (task: Task, id: string, device = "rpi-7"): Promise<void> =>
    link.publish(`muster/${device}/cmd/${id}`, encode(task, "cbor"), { retain: true });
  /** What the device has answered to it, at last. */
  const answer = async (task: Task, id: string, device = "rpi-7"): Promise<string> => {
    replies.delete(`${device} ${id}`);
    await say(task, id, device);
    await eventually(`an answer to ${id}`, () => replies.has(`${device} ${id}`), 20);
    return replies.get(`${device} ${id}`) ?? "";
  };
  return { answer };
}

for (const kind of brokerKinds) {
  suite(`signed commands over ${kind}`, ({ test }) => {
    test("what Ann has signed is done; what nobody or another has, is refused before it is sent", async (scope) => {
      const { fleet, done } = await place(scope, kind);
      assert.equal(fleet.console.registry.get("rpi-7")?.signers, [ann.public.id]);
      const order = told("front");
      const ended = await fleet.console.send("rpi-7", { ...order, signature: sign(order) });
      assert.is(ended.state, "succeeded");
      assert.equal(done, [`rpi-7 ${order.id} {"door":"front"}`]);
      for (const signature of [undefined, sign(order, {}, eve)]) {
        const another = { ...order, id: newCommandId(Date.now()) };
        const refused: unknown = await fleet.console
          .send("rpi-7", { ...another, signature })
          .catch((error: unknown) => error);
        assert.instance(refused, CommandRefusedError);
        assert.is((refused as CommandRefusedError).reason, "unsigned");
        assert.match((refused as CommandRefusedError).message, ann.public.id);
      }
    });

    test("the unsigned restart by which an agent takes its first key has succeeded", async (scope) => {
      const fleet = await startFleet(scope, kind);
      const directory = await scope.directory();
      const begin = (signers: readonly string[]): void =>
        fleet.newAgent("rpi-7", { directory, signers, restart: () => begin([ann.public.line]) }).start();
      begin([]);
      await fleet.sees("rpi-7", true);
      const { state, error } = await fleet.console.send("rpi-7", { key: "restart" });
      assert.equal([state, error], ["succeeded", undefined]);
      assert.equal(fleet.console.registry.get("rpi-7")?.signers, [ann.public.id]);
    });

    test("one that is typed with mosquitto_pub, kept and not", async (scope) => {
      const { fleet, done } = await place(scope, kind);
      for (const retained of [true, false]) {
        const order = told("back");
        const line = JSON.stringify({ ...order, signature: sign(order) });
        const where = retained ? ["-r", "-t", `muster/rpi-7/cmd/${order.id}`] : ["-t", "muster/rpi-7/cmd"];
        await fleet.pub("-q", "1", ...where, "-m", line);
        const state = () => fleet.console.desk.find(seven, parseCommandId(order.id))?.state;
        await eventually(`the end of ${order.id}`, () => state() === "succeeded", 20);
        assert.is(done.at(-1), `rpi-7 ${order.id} {"door":"back"}`);
      }
    });

    test("a job is signed once, over the list of its devices, and is nobody else's", async (scope) => {
      const { fleet, done } = await place(scope, kind);
      const { jobs } = fleet.console;
      const ts = Date.now();
      const order = { key: "open", args: { door: "all" }, rate: 100, canary: 0, abort: null, ttl: hour, timeout: null };
      const unsigned = { ...order, target: { all: true } as const };
      assert.throws(() => jobs.create(unsigned, "ann"), /none of the 2 devices takes it: .*signed/);
      const create = (id: string, signedFor: readonly string[]): string => {
        const { job: _, ...signature } = ann.job({ ...order, id, ts, expires: ts + hour, devices: signedFor }, "rpi-7");
        return jobs.create({ ...order, id, signature, target: { devices: ["rpi-8", "rpi-7"] } }, "ann").id;
      };
      const ended = async (id: string): Promise<Record<string, number>> => {
        await eventually(`the end of ${id}`, () => jobs.find(id)?.summary.state === "done", 20);
        return jobs.find(id)?.summary.counts.states ?? {};
      };
      const id = create("0mwyjob000000001", ["rpi-7", "rpi-8"]);
      assert.equal(await ended(id), { succeeded: 2 });
      assert.equal(
        done.toSorted(),
        ["rpi-7", "rpi-8"].map((device) => `${device} ${id} {"door":"all"}`),
      );
      assert.throws(() => create(id, ["rpi-7", "rpi-8"]), /there has been a job/);
      assert.equal(await ended(create("0mwyjob000000002", ["rpi-7", "rpi-9"])), { rejected: 2 });
      assert.is(done.length, 2);
    });

    test(
      "whoever has the console and the broker can neither make, nor change, nor repeat a command",
      async (scope) => {
        const { fleet, agent, begin, directory, done } = await place(scope, kind);
        const order = told("front");
        await fleet.console.send("rpi-7", { ...order, signature: sign(order) });
        const signature = sign(order);
        const held = told("held back");
        const heldSignature = sign(held);
        const { answer } = await thief(scope, fleet);
        const { id, key, args } = order;
        const fresh = (): string => newCommandId(Date.now());
        const other = told("side");
        const old = { ts: Date.now() - 2 * hour, expires: Date.now() - hour };
        assert.is(await answer({ key, args }, fresh()), "unsigned");
        assert.is(await answer({ key, args, signature }, fresh()), "bad-signature");
        assert.is(await answer({ key, args: { door: "vault" }, signature: sign(other) }, other.id), "bad-signature");
        assert.is(await answer({ key: "reboot", args, signature: sign(other) }, fresh()), "bad-signature");
        assert.is(await answer({ key, args, signature }, id, "rpi-8"), "bad-signature");
        const late = told("late");
        assert.is(await answer({ ...late, signature: sign(late, old) }, late.id), "signature-expired");
        const foreign = told("foreign");
        assert.is(await answer({ ...foreign, signature: sign(foreign, {}, eve) }, foreign.id), "unknown-signer");
        assert.is(await answer({ key, args, signature }, id), "succeeded", "the answer that it has had");
        assert.equal(done, [`rpi-7 ${id} {"door":"front"}`]);
        assert.is(await answer({ ...held, signature: heldSignature }, held.id), "succeeded");
        assert.equal(
          done,
          [`rpi-7 ${id} {"door":"front"}`, `rpi-7 ${held.id} {"door":"held back"}`],
          "held back is all that it can be",
        );
        // Not by a device either that has lost what it knew.
        await agent.stop();
        await rm(join(directory, "ledger"));
        begin(directory);
        assert.is(await answer({ ...held, signature: heldSignature }, held.id), "replayed");
        assert.is(done.length, 2);
      },
      { seconds: 40 },
    );
  });
}
