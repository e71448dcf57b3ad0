import { testSigner } from "#shared/signing/fixture";
import { newCommandId } from "#shared/ids";
import { eventually } from "../../test/suite.ts";
import { must, type Case } from "../case.ts";
import { order } from "../device.ts";
import { healthy, type Place } from "../place.ts";

const [ann, mallory] = [testSigner(1, "ann"), testSigner(2, "mallory")];
const minute = 60_000;

/** What is signed, and what is sent with that; what is left out is as it should be. */
interface Forgery {
  readonly signed?: {
    readonly device?: string;
    readonly key?: string;
    readonly ts?: number;
    readonly expires?: number;
  };
  readonly id?: string;
  readonly args?: Readonly<Record<string, number>>;
  readonly by?: typeof ann;
}

/** By whoever has the console: each passes there, and the device has to refuse it and to tell why. */
const forgeries: Readonly<Record<string, readonly [forgery: (now: number) => Forgery, code: string]>> = {
  "another key": [() => ({ signed: { key: "info" } }), "bad-signature"],
  "other arguments": [() => ({ args: { seconds: 1 } }), "bad-signature"],
  "another device's": [() => ({ signed: { device: healthy } }), "bad-signature"],
  "another id, which is a replay": [() => ({ id: newCommandId(Date.now()) }), "bad-signature"],
  "another person's, under her key": [() => ({ by: mallory }), "bad-signature"],
  "one that is over": [(now) => ({ signed: { ts: now - 9 * minute, expires: now - minute } }), "signature-expired"],
  "one of tomorrow": [(now) => ({ signed: { ts: now + 60 * minute, expires: now + 70 * minute } }), "signature-time"],
};

/** Somebody who has the console sends what no person has signed. */
export const signatures: Case = {
  name: "signatures",
  tries: "whoever has the console alters, repeats and makes up signed commands",
  async run({ place, device }) {
    await place.startAgent(device, { MUSTER_SIGNERS: ann.public.line });
    const good = { key: "ping", ...signed(device, {}) };
    await eventually("a signed command's end", async () => (await send(place, device, good)).state === "succeeded");
    for (const [what, [forgery, code]] of Object.entries(forgeries)) {
      const { state, error } = await send(place, device, { key: "ping", ...signed(device, forgery(Date.now())) });
      must(
        state === "rejected" && error?.code === code,
        `${what} ended as ${state}, ${error?.code ?? "without a code"}`,
      );
    }
    const post = (body: Readonly<Record<string, unknown>>) =>
      place.ask(`/api/devices/${device}/commands?wait=false`, { as: "olaf", method: "POST", body });
    const again = JSON.parse((await post(good)).text) as Ended;
    must(again.state === "succeeded", `the same command again is ${again.state}: expected the one that has ended`);
    // What the console itself sees: its word to people, not the device's protection.
    for (const body of [{ key: "ping" }, { key: "ping", ...signed(device, { by: mallory }, mallory) }]) {
      const { status } = await post(body);
      must(status >= 400 && status < 500, `what is unsigned, or signed by a strange key, is answered ${status}`);
    }
    return `${Object.keys(forgeries).length} refused by the device, 2 by the console, 1 known`;
  },
};

function signed(device: string, { signed = {}, id, args = {}, by = ann }: Forgery, named = ann) {
  const ts = Date.now();
  const own = newCommandId(ts);
  const told = { device, key: "ping", ts, expires: ts + 10 * minute, id: own, ...signed };
  const signature = { ...by.command(told), key: named.public.id };
  return { id: id ?? own, args, signature };
}

interface Ended {
  readonly state: string;
  readonly error?: { readonly code: string };
}

/** @returns the command when its device has said how it ended */
async function send(place: Place, device: string, body: Readonly<Record<string, unknown>>): Promise<Ended> {
  const id = typeof body["id"] === "string" ? body["id"] : "";
  // The same one is only looked at.
  if ((await place.ask(`/api/commands/${id}`, { as: "vera" })).status === 404)
    await order(place, device, { ...body, ttl: "5m", timeout: "1m" });
  return eventually("its end", async () => {
    const command = await place.read<Ended>(`/api/commands/${id}`);
    return ["queued", "accepted", "running"].includes(command.state) ? undefined : command;
  });
}
