import { must, type Case } from "../case.ts";
import { appear, order, stateOf, seen, topicsOf } from "../device.ts";
import { victim } from "../place.ts";

const final = (id: string, state = "succeeded"): string =>
  JSON.stringify({
    id,
    ts: Date.now(),
    state,
    ...(state === "succeeded" ? { result: { forged: true } } : { error: { code: "x", message: "forged" } }),
  });

/** A device that answers what was asked of another. */
export const foreignReplies: Case = {
  name: "foreign-replies",
  tries: "a device answers and withdraws commands of another device",
  async run({ place, device }) {
    const [mallory, other] = [await appear(place, device), await appear(place, victim)];
    const id = await order(place, victim, { key: "hold", ttl: "1m", timeout: "30s" });
    await other.message(({ topic, payload }) => topic === topicsOf(victim).task(id) && payload.length > 0);
    for (const state of ["succeeded", "failed", "cancelled", "rejected"]) {
      await mallory.publish(topicsOf(device).reply(id), final(id, state));
      // The broker drops these: whether it acknowledges them is its own affair.
      await mallory.publish(topicsOf(victim).reply(id), final(id, state), { qos: 0 });
    }
    await mallory.publish(topicsOf(victim).task(id), "", { qos: 0, retain: true });
    await mallory.publish(topicsOf(device).task(id), "", { qos: 0, retain: true });
    await seen(place, mallory, device);
    const state = await stateOf(place, id);
    must(["queued", "accepted", "running"].includes(state), `the victim's command became ${state}`);
    const withdrawn = other.messages.some(
      ({ topic, payload }) => topic === topicsOf(victim).task(id) && payload.length === 0,
    );
    must(!withdrawn, "the victim was told that its command is withdrawn");
    await other.publish(
      topicsOf(victim).reply(id),
      JSON.stringify({ id, ts: Date.now(), state: "succeeded", result: { own: true } }),
    );
    await seen(place, other, victim);
    const { state: end, result } = await place.read<{ state: string; result?: unknown }>(`/api/commands/${id}`);
    must(end === "succeeded" && JSON.stringify(result) === '{"own":true}', `the victim's own answer made it ${end}`);
    const shared = await handTyped(place, device, mallory, other);
    mallory.leave();
    other.leave();
    return `8 forged replies, 2 withdrawals${shared}`;
  },
};

/** Ids that people type are each device's own: 42 here and 42 there are two commands. */
async function handTyped(
  place: Parameters<Case["run"]>[0]["place"],
  device: string,
  mallory: Awaited<ReturnType<typeof appear>>,
  other: Awaited<ReturnType<typeof appear>>,
): Promise<string> {
  const typed = await place.enter("olaf", { clientId: "olaf-typing" }).catch(() => undefined);
  if (!typed) return ", operators are not let in at this broker";
  for (const name of [device, victim])
    await typed.publish(topicsOf(name).task("42"), '{"key":"hold"}', { retain: true });
  await other.message(({ topic }) => topic === topicsOf(victim).task("42"));
  await mallory.publish(topicsOf(device).reply("42"), final("42"));
  await seen(place, mallory, device);
  const { commands } = await place.read<{ commands: { id: string; state: string }[] }>(
    `/api/commands?device=${victim}`,
  );
  const mine = commands.find(({ state }) => state !== "succeeded");
  must(mine !== undefined, "the victim's hand-typed command ended with another device's answer");
  await typed.publish(topicsOf(victim).task("42"), "", { retain: true });
  typed.leave();
  return ", ids typed twice";
}

/** Bytes that a command's document may have, whatever its device says about it. */
const maxDocument = 512 * 1024;

/** Replies without end for one command. */
export const replyFlood: Case = {
  name: "reply-flood",
  tries: "2,000 replies with output for one command, and late ones after its end",
  async run({ place, device, budget }) {
    const peer = await appear(place, device);
    const id = await order(place, device, { key: "hold", ttl: "1m", timeout: "1m" });
    const count = Math.ceil(2_000 * budget.share);
    const output = "x".repeat(1_500);
    for (let at = 0; at < count; at++) {
      const progress = {
        id,
        ts: Date.now(),
        state: "running",
        progress: at / count,
        note: `${at} ${output}`,
        output: `${at} ${output}\n`,
      };
      await peer.publish(topicsOf(device).reply(id), JSON.stringify(progress));
    }
    for (let at = 0; at < count; at++)
      await peer.publish(
        topicsOf(device).reply(id),
        JSON.stringify({ id, ts: Date.now(), state: "succeeded", result: `${at} ${output}` }),
      );
    await seen(place, peer, device);
    const { status, text, ms } = await place.ask(`/api/commands/${id}`, { as: "vera" });
    must(status === 200, `the command is answered ${status}`);
    must(text.length <= maxDocument, `the command's document has ${text.length} bytes`);
    peer.leave();
    return `${2 * count} replies, a document of ${text.length} bytes in ${Math.round(ms)} ms`;
  },
};
