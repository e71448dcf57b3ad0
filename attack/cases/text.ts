import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readFileSync } from "node:fs";
import { runProgram } from "../../test/programs.ts";
import { must, type Case } from "../case.ts";
import { appear, batch, birth, order, seen, topicsOf } from "../device.ts";
import type { Peer } from "../peer.ts";

/** What a terminal, a reader's eye or a line of a log must not get from a device: controls but the line's end, and bidi controls. */
// oxlint-disable-next-line no-control-regex -- these are what is looked for
const forbidden = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/;
const hostile =
  "\u001b[2J\u001b]0;owned\u0007\u009b31m\r\n2026 FORGED online\u202egnp\u2066\u2028next\u2029\u007f\u0000end";

/** Text of a device's choice that reaches operators' terminals and shells. */
export const hostileText: Case = {
  name: "hostile-text",
  tries: "escapes, forged lines and shell words in all that a device may say",
  async run({ place, device }) {
    const title = {
      title: hostile,
      args: {
        type: "object",
        description: hostile,
        properties: { [hostile]: { type: "string", enum: [hostile] } },
        required: [hostile],
      },
    };
    const peer = await appear(place, device, {
      agent: hostile,
      facts: { os: hostile, [hostile]: hostile },
      commands: { ping: { title: hostile }, hold: {}, evil: title },
    });
    const { reply, simple, metrics, status } = topicsOf(device);
    const failure = { code: hostile, message: hostile, data: { [hostile]: hostile } };
    peer.onMessage(({ topic, payload }) => {
      const id = topic.split("/").at(-1) ?? "";
      if (!topic.includes("/cmd/") || payload.length === 0) return;
      // A command's output has lines of its own, and whoever sends the command reads them as that: no other word has.
      const output = hostile.replace("2026 FORGED", "output");
      const running = { id, ts: Date.now(), state: "running", note: hostile, output };
      void peer.publish(reply(id), JSON.stringify(running)).catch(() => {});
      void peer
        .publish(reply(id), JSON.stringify({ id, ts: Date.now(), state: "failed", error: failure }))
        .catch(() => {});
    });
    const id = await order(place, device, { key: "hold", ttl: "1m" });
    await peer.publish(simple("room"), JSON.stringify({ [hostile]: 1 }));
    await peer.publish(simple("room"), JSON.stringify({ tags: { t: hostile }, values: { a: hostile } }));
    await peer.publish(metrics, JSON.stringify(batch(1, { m: [{ n: hostile, f: { a: [1, 2, 3] } }] })));
    await peer.publish(metrics, JSON.stringify(batch(2, { m: [], dt: [], dropped: { from: 1, to: 1, why: hostile } })));
    await seen(place, peer, device);
    const commands = [
      ["devices"],
      ["devices", "--gaps"],
      ["send", device, "hold"],
      ["send", device, "evil"],
      ["send", device, hostile.replaceAll("\u0000", "")],
      ["cancel", id],
      ["commands"],
      ["quarantine"],
      ["groups"],
      ["jobs"],
    ];
    for (const args of commands) {
      const { out, err } = await place.muster(args);
      const found = forbidden.exec(out + err);
      must(
        !found,
        `muster ${args[0]} prints ${JSON.stringify(found?.[0])}: ${JSON.stringify((out + err).slice(Math.max(0, (found?.index ?? 0) - 40), (found?.index ?? 0) + 40))}`,
      );
      must(!/^2026 FORGED/m.test(out + err), `muster ${args.join(" ").slice(0, 40)} prints a line of the device's own`);
    }
    await peer.publish(
      status,
      JSON.stringify({ ...birth(), online: false, boot: "boot1", session: "session1", reason: hostile }),
      { retain: true },
    );
    const log = readFileSync(join(place.directory, "server.log"), "utf8");
    must(!/^2026 FORGED/m.test(log) && !forbidden.test(log), "the log has a line or a control of the device's own");
    const pasted = await paste(place, device, peer);
    peer.leave();
    return `${commands.length} commands of the command line${pasted}`;
  },
};

/** The corrected line of a refusal, pasted into a shell by an operator who trusts it, where mosquitto_pub does nothing. */
async function paste(place: Parameters<Case["run"]>[0]["place"], device: string, peer: Peer): Promise<string> {
  const operator = await place.enter("olaf", { clientId: "olaf-pasting" }).catch(() => undefined);
  if (!operator) return ", operators are not let in at this broker";
  const work = join(place.directory, "shell");
  await mkdir(work, { recursive: true });
  const words = ["'; touch pwned; '", "$(touch pwned)", "`touch pwned`", "\n touch pwned\n", "' && touch pwned #"];
  const properties = Object.fromEntries(
    words.map((word, at) => [
      `${word}${at}`,
      { type: "string", enum: [word], default: word, examples: [word], title: word },
    ]),
  );
  const args = { type: "object", properties, required: Object.keys(properties) };
  await peer.publish(topicsOf(device).status, JSON.stringify(birth({ commands: { ping: {}, evil: { args } } })), {
    retain: true,
  });
  await seen(place, peer, device);
  await operator.subscribe(topicsOf(device).refused);
  await operator.publish(topicsOf(device).short, '{"key":"evil","args":{"no":1}}');
  const { payload } = await operator.message(({ topic }) => topic === topicsOf(device).refused);
  operator.leave();
  const { try: line = "" } = JSON.parse(payload.toString()) as { try?: string };
  await writeFile(join(work, "mosquitto_pub"), "#!/bin/sh\nexit 0\n", { mode: 0o755 });
  await runProgram("bash", ["-c", `cd ${work}; PATH=${work}:$PATH; ${line}`]);
  const made = (await readdir(work)).filter((name) => name !== "mosquitto_pub");
  must(made.length === 0, `the line on refused, pasted, has run the device's text: ${line}`);
  return `, pasted: ${line.slice(0, 60)}`;
}
