import type { Message } from "#shared/bus";
import { asError } from "#shared/errors";
import { shortId } from "#shared/ids";
import { benchSilence, type Bench, type BenchLogin } from "./bench.ts";
import { bad, good, mind, type Check } from "./check-verdict.ts";

/** Whether a name and a secret are asked for. */
export const strangers: Check = {
  what: "strangers",
  async run(bench) {
    const { username, password } = bench.options;
    const open = [];
    if (await comesIn(bench, { username: "", password: "" })) open.push("who has no name");
    if (await comesIn(bench, { username: username || "console", password: `${password}-${shortId()}` }))
      open.push("who has a wrong secret");
    if (open.length === 0) return good("nobody comes in without a name and its secret");
    return mind(
      `${open.join(", and ")} comes in: whoever reaches the port can send commands. Give each device an account`,
    );
  },
};

async function comesIn(bench: Bench, login: { username: string; password: string }): Promise<boolean> {
  try {
    await (await bench.connect({ ...login, clientId: `muster-${shortId()}` })).end();
    return true;
  } catch {
    return false;
  }
}

/** What a second account can do to the first: read its topics, write them, leave a will there, throw it out. */
export const isolation: Check = {
  what: "isolation",
  async run(bench) {
    const { second, username } = bench.options;
    if (!second) return mind("not looked at: give a device's account with --second-account NAME:SECRET");
    if (second.username === username) return mind("not looked at: the second account is the first");
    const login = { ...second, clientId: second.username };
    const holes: string[] = [];
    const first = await bench.connect();
    await first.subscribe(bench.topic("#"));
    const other = await bench.connect(login).catch(asError);
    if (other instanceof Error) return bad(`${second.username} is not let in: ${other.message}`);
    for (const filter of ["#", bench.tree, bench.topic("#")]) await other.subscribe(filter).catch(() => false);
    await first.publish(bench.topic("cmd"), "secret");
    const leak = (all: readonly Message[]): boolean =>
      all.some(({ topic }) => isAnothers(bench, second.username, topic));
    if (await other.until(leak, benchSilence)) holes.push("reads what is another's");
    await other.publish(bench.topic("status"), "forged").catch(() => {});
    if (await first.until((all) => all.some(isForged), benchSilence)) holes.push("writes what is another's");
    await other.end();
    const will = { topic: bench.topic("will"), payload: Buffer.from("forged"), retain: false };
    const leaving = await bench.connect({ ...login, will }).catch(() => undefined);
    leaving?.drop();
    const before = first.received.length;
    if (leaving && (await first.until((all) => all.slice(before).some(isForged), benchSilence)))
      holes.push("leaves a will on what is another's");
    const thrownOut = await throwsOut(bench, second);
    const who = second.username;
    const taking = `${who} throws out who is connected by taking the same client id: bind ids to names, where the broker can`;
    if (holes.length > 0)
      return bad(
        `${who} ${holes.join(", ")}: one device could act as another. Give the broker rules by name (docs/brokers.md)${thrownOut ? `. ${taking}` : ""}`,
      );
    return thrownOut
      ? mind(`nothing of another's is read or written, but ${taking}`)
      : good(`${who} neither reads nor writes what is another's, nor takes its place`);
  },
};

/** What the console says of itself is for every device, and may be retained there; all else below the root is for one. */
function isAnothers({ topics }: Bench, name: string, topic: string): boolean {
  const address = topics.parse(topic);
  if (!address) return topic.startsWith(`${topics.root}/`);
  return "device" in address ? address.device !== name : address.kind !== "console";
}

const isForged = ({ payload }: { payload: Buffer }): boolean => payload.toString() === "forged";

async function throwsOut(bench: Bench, thief: BenchLogin): Promise<boolean> {
  const clientId = bench.newId();
  const victim = await bench.connect({ clientId });
  const taken = await bench.connect({ ...thief, clientId }).catch(() => undefined);
  if (taken) await victim.until(() => false, benchSilence);
  return victim.ended !== undefined;
}
