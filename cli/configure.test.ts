import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import type { Client } from "#api/client";
import { suite } from "../test/suite.ts";
import { deviceSettingsText } from "./configuration-tables.ts";
import { configure } from "./configure.ts";
import { settingsIn, settingsText } from "./edit-settings.ts";

/** A console that keeps what it is told, and a terminal that writes down. */
function place() {
  const said = new Map<string, { version: number; settings: Record<string, string> }>();
  const lines: string[] = [];
  const document = (scope: string) => ({
    scope,
    by: "ann",
    ts: 0,
    ...(said.get(scope) ?? { version: 0, settings: {} }),
  });
  const client = {
    getConfiguration: async (scope: string) => document(scope),
    setConfiguration: async (
      scope: string,
      { settings, version }: { settings: Record<string, string>; version: number },
    ) => {
      assert.is(version, document(scope).version);
      said.set(scope, { version: version + 1, settings });
      return document(scope);
    },
    getConfigurationHistory: async (scope: string) => ({ history: [document(scope)] }),
    listConfigurations: async () => ({
      scopes: [...said.keys()].map(document),
      drift: [{ device: "rpi-7", state: "refused", why: "no room\u001b[2J" }],
      more: 3,
    }),
    getDeviceSettings: async (device: string) => ({
      device,
      state: "waiting",
      why: "it is sent when rpi-7 is back",
      desired: { version: 1, hash: "h", settings: { interval: "5s" }, from: { interval: "default" } },
      reported: null,
    }),
    applySettings: async () => ({ command: "c1" }),
  } as unknown as Client;
  const terminal = { out: (text: string) => void lines.push(text), err: () => {}, live: false };
  const run = async (words: string, flags: Parameters<typeof configure>[2] = {}): Promise<string> => {
    lines.length = 0;
    const code = await configure(client, words.split(" ").filter(Boolean), flags, terminal).catch(String);
    return [code, ...lines].join("\n");
  };
  return { said, run };
}

suite("muster config", ({ test }) => {
  test("of a device of which nothing is wanted it says what holds, and how to want something", () => {
    const text = deviceSettingsText({
      device: "rpi-7",
      state: "none",
      why: "nothing is changed from here",
      desired: { version: 0, hash: "h", settings: {}, from: {} },
      reported: null,
    });
    assert.match(
      text,
      /^nothing is set for rpi-7 from here: .*\n +muster config rpi-7 set interval=5s\nThe keys are interval, /,
    );
  });

  test("sets and unsets, of a device, a group and all, and says who has what and who differs", async () => {
    const { said, run } = place();
    assert.match(await run("rpi-7 set interval=5s tags=a=b,c=d"), /^0\ndevice:rpi-7 has version 1 now/);
    assert.equal(said.get("device:rpi-7")?.settings, { interval: "5s", tags: "a=b,c=d" });
    assert.match(await run("rpi-7 unset tags"), /version 2/);
    assert.match(await run("rpi-7 set interval=5s"), /nothing was changed/);
    await run("set interval=6s", { group: "lab" });
    await run("set interval=7s", { default: true });
    assert.equal([...said.keys()], ["device:rpi-7", "group:lab", "default"]);
    assert.match(await run("", { group: "lab" }), /group:lab +interval +6s +1 +ann/);
    const all = await run("");
    assert.match(all, /^1\nFOR +SETTING/);
    assert.match(all, /rpi-7 +refused +no room/);
    assert.not.ok(all.includes("\u001b"));
    assert.match(all, /and 3 more/);
    assert.match(await run("rpi-7"), /^1\n[\s\S]*interval +5s +default[\s\S]*waiting: it is sent when/);
    assert.match(await run("rpi-7 history"), /2 +1970-.* interval=5s/);
    assert.match(await run("rpi-7 apply"), /command c1 is on its way/);
  });

  test("says what was meant where a word is none", async () => {
    const { run } = place();
    assert.match(await run("rpi-7 put interval=5s"), /expected one of show, set, unset, edit, history, apply/);
    assert.match(await run("rpi-7 set interval"), /expected KEY=VALUE/);
    assert.match(await run("rpi-7 unset interval"), /interval is not set there/);
    assert.match(await run("apply", { default: true }), /apply is for one device/);
  });

  test("edits by an editor of the person's, as TOML or JSON; what does not read changes nothing", async (scope) => {
    const { said, run } = place();
    const directory = await scope.directory();
    const before = process.env["VISUAL"];
    scope.cleanup(() => (before === undefined ? delete process.env["VISUAL"] : (process.env["VISUAL"] = before)));
    const editor = (text: string): void => {
      const path = join(directory, "editor");
      writeFileSync(path, `#!/bin/sh\ncat > "$1" <<'END'\n${text}\nEND\n`);
      chmodSync(path, 0o755);
      process.env["VISUAL"] = path;
    };
    editor('interval = "9s"\nbatch-size = 5');
    assert.match(await run("edit", { group: "lab" }), /version 1/);
    assert.equal(said.get("group:lab")?.settings, { interval: "9s", "batch-size": "5" });
    editor('{"interval":"8s"}');
    await run("edit", { group: "lab" });
    assert.equal(said.get("group:lab")?.settings, { interval: "8s" });
    for (const wrong of ["interval = 9x", 'interval = "9"', 'device = "x"']) {
      editor(wrong);
      assert.match(await run("edit", { group: "lab" }), /BadInputError/, wrong);
    }
    editor("");
    assert.match(await run("edit", { group: "lab" }), /nothing was changed/);
    assert.is(said.get("group:lab")?.version, 2);
    const settings = { ca: '-----\nü"\\\n', interval: "5s" };
    const shown = settingsText("default", { interval: "5s" });
    assert.equal(settingsIn(shown), { interval: "5s" });
    assert.ok(settingsText("default", settings).includes('ca = "-----\\nü\\"\\\\\\n"'));
  });
});
