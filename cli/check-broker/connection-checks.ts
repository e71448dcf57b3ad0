import { counted } from "#shared/counted";
import { asError } from "#shared/errors";
import { journey, benchSilence } from "./bench.ts";
import { bad, good, mind, type Check } from "./check-verdict.ts";

/** What becomes of two connections: under one id, and under one name. */
export const connections: Check = {
  what: "connections",
  async run(bench) {
    const clientId = bench.newId();
    const first = await bench.connect({ clientId });
    const again = await bench.connect({ clientId }).catch(asError);
    if (again instanceof Error)
      return bad(`an id that is connected is not let in again (${again.message}): agents could not come back`);
    await first.until(() => false, journey);
    if (first.ended === undefined)
      return bad("two connections live under one client id: what is for one of them goes to either");
    // Until it is known: what ends now, this look has ended.
    bench.single = true;
    await bench.connect();
    await again.until(() => false, benchSilence);
    bench.single = again.ended !== undefined;
    if (!bench.single) return good("a second one under the same id ends the first, and a name may have several");
    return good(
      "one for each name, whatever its client id: nobody takes another's place. This look cut off who was connected under the name",
    );
  },
};

/** Whether shared subscriptions give each message to one member. */
export const sharedSubscriptions: Check = {
  what: "shared subscriptions",
  async run(bench) {
    const members = await Promise.all(Array.from({ length: bench.single ? 1 : 2 }, () => bench.connect()));
    const [writer] = members;
    const filter = `$share/check/${bench.topic("shared", "+")}`;
    const granted = await Promise.all(members.map((member) => member.subscribe(filter).catch(() => false)));
    if (!writer || granted.includes(false)) return mind(`refused: ${unneeded}`);
    const shares = (): number[] => members.map(({ received }) => received.length);
    const count = (): number => shares().reduce((sum, share) => sum + share, 0);
    let sent = 0;
    do {
      for (const end = sent + posts; sent < end; sent++) await writer.publish(bench.topic("shared", String(sent)), "x");
      const end = performance.now() + journey / 2;
      while (count() < sent && performance.now() < end)
        await Promise.race(members.map((one) => one.until(() => false, 50)));
      await Promise.all(members.map((one) => one.until(() => false, 50)));
    } while (count() === sent && shares().includes(0) && sent < posts * rounds);
    if (count() === 0) return mind(`granted, and nothing comes: ${unneeded}`);
    if (count() !== sent) return mind(`of ${counted(sent, "message")} ${count()} came: ${unneeded}`);
    if (members.length === 1) return good("delivered, to the one member that could be tried");
    return shares().includes(0)
      ? mind(`one member got all ${sent}: ${unneeded}`)
      : good(`shared: ${shares().join(" and ")} of ${sent}`);
  },
};
const posts = 20;
/** HiveMQ's members fetch: who is quicker has all of one round now and then. */
const rounds = 3;
const unneeded = "Muster does without; do not build programs of yours on them here";
