import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { parseDeviceId } from "#shared/ids";
import { Topics } from "#shared/topics";
import { suite } from "../../test/suite.ts";
import type { Desk } from "./desk.ts";
import { CommandRefusedError } from "./command-errors.ts";
import { toCatalogue } from "../devices/command-catalogue.ts";
import { TypedCommands } from "./typed.ts";

const device = parseDeviceId("rpi-7");

/** The line that a person is given after a refusal, where the device offers this. */
function lineFor(
  payload: string,
  offers: Parameters<typeof toCatalogue>[0],
  root = "muster",
  needsSignature = false,
): string {
  const lines: string[] = [];
  const refuse = (): never => {
    throw new CommandRefusedError("bad-arguments", "no", { device, key: "k" });
  };
  const topics = new Topics(root);
  const typed = new TypedCommands({
    answers: { objection: () => undefined, owe: () => {} },
    desk: { submit: refuse } as unknown as Desk,
    topics,
    clock: new ManualClock(),
    offers: () => toCatalogue(offers),
    needsSignature: () => needsSignature,
    refuse: (_device, _topic, _why, instead) => lines.push(instead),
  });
  const topic = topics.build({ kind: "short", device });
  void typed.short(device, { topic, payload: Buffer.from(payload), retain: false });
  return lines[0] ?? "";
}

/** What a shell makes of the line: the words that the program is called with. */
function pasted(line: string): string[] {
  const words = execFileSync(
    "/bin/sh",
    ["-c", `muster() { mosquitto_pub "$@"; }; mosquitto_pub() { printf '%s\\n' "$@"; }\n${line}`],
    {
      encoding: "utf8",
    },
  );
  return words.trimEnd().split("\n");
}

suite("the line that works, after a refusal", ({ test }) => {
  test("is what the shell hands over, for a root with a quote in it too", () => {
    const offers = {
      "set-interval": { args: { properties: { seconds: { type: "number", minimum: 0.1 } }, required: ["seconds"] } },
    };
    const line = lineFor('{"key":"set-interval"}', offers, "it's $HOME");
    assert.equal(pasted(line), ["-t", "it's $HOME/rpi-7/cmd", "-m", '{"key":"set-interval","args":{"seconds":1}}']);
    assert.equal(pasted(lineFor("pong", offers)), ["-t", "muster/rpi-7/cmd", "-m", "ping"]);
  });

  test("signs, where the device takes nothing else", () => {
    const properties = { name: { type: "string", minLength: 1 }, seconds: { type: "number", minimum: 2 } };
    const offers = { greet: { args: { properties, required: ["name", "seconds"] } } };
    const words = ["send", "rpi-7", "greet", "--arg", "name=…", "--arg", "seconds=2", "--sign", "KEYFILE"];
    assert.equal(pasted(lineFor('{"key":"greet"}', offers, "muster", true)), words);
    assert.equal(pasted(lineFor("pong", offers, "muster", true)), ["send", "rpi-7", "ping", "--sign", "KEYFILE"]);
  });

  test("runs nothing that the device wrote when it is pasted", async (scope) => {
    const owned = join(await scope.directory(), "owned");
    for (const evil of [`'; touch ${owned}; '`, `$(touch ${owned})`, `x\ntouch ${owned}\n`, `\`touch ${owned}\``]) {
      const property = { type: "string", default: evil, enum: [evil], title: evil, description: evil, pattern: evil };
      const offers = {
        it: { title: evil, args: { properties: { a: property, [evil]: property }, required: ["a", evil] } },
      };
      const line = lineFor('{"key":"it"}', offers);
      assert.not.match(line, /touch/);
      assert.equal(pasted(line), ["-t", "muster/rpi-7/cmd", "-m", '{"key":"it","args":{"a":"…"}}']);
      assert.is(existsSync(owned), false);
    }
  });
});
