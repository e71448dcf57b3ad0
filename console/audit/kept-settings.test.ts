import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { suite, type Scope } from "../../test/suite.ts";
import { openState } from "../state/state.ts";
import { KeptSettings, type GivenSetting } from "./kept-settings.ts";
import { search } from "./search.ts";

async function start(scope: Scope) {
  const state = openState(await scope.directory(), new ManualClock());
  scope.cleanup(() => state.close());
  const { audit, database } = state;
  /** A start with these. @returns what it tells */
  const begin = async (...given: GivenSetting[]): Promise<string[]> => {
    const known = [...search(database, { what: "setting" })].length;
    await new KeptSettings(database, audit).note(given);
    const all = [...search(database, { what: "setting" })].flatMap((entry) => entry ?? []);
    return all
      .slice(0, all.length - known)
      .toReversed()
      .map(({ on, detail }) => `${on} ${detail}`);
  };
  return { begin, database };
}

const plain = (name: string, text: string): GivenSetting => ({ name, text, secret: false });
const secret = (name: string, text: string): GivenSetting => ({ name, text, secret: true });

suite("settings that are others than at the last start", ({ test }) => {
  test("each is an entry, and what is the same is none", async (scope) => {
    const { begin } = await start(scope);
    assert.equal(await begin(plain("MUSTER_LISTEN", "0.0.0.0")), ['MUSTER_LISTEN {"from":null,"to":"0.0.0.0"}']);
    assert.equal(await begin(plain("MUSTER_LISTEN", "0.0.0.0")), []);
    assert.equal(await begin(plain("MUSTER_LISTEN", "::"), plain("MUSTER_ROOT", "plant")), [
      'MUSTER_LISTEN {"from":"0.0.0.0","to":"::"}',
      'MUSTER_ROOT {"from":null,"to":"plant"}',
    ]);
    assert.equal(await begin(plain("MUSTER_ROOT", 'p\n{"n":1}')), [
      'MUSTER_ROOT {"from":"plant","to":"p↵{\\"n\\":1}"}',
      'MUSTER_LISTEN {"from":"::","to":null}',
    ]);
  });

  test("secrets are told by their names, and kept as hashes", async (scope) => {
    const { begin, database } = await start(scope);
    const url = "MUSTER_MQTT_URL";
    assert.equal(await begin(secret(url, "mqtt://a:first-horse@b")), [`${url} {"secret":"given"}`]);
    assert.equal(await begin(secret(url, "mqtt://a:first-horse@b")), []);
    assert.equal(await begin(secret(url, "mqtt://a:other-horse@b")), [`${url} {"secret":"changed"}`]);
    assert.equal(await begin(plain(url, "mqtt://b")), [`${url} {"secret":"changed"}`]);
    assert.equal(await begin(plain(url, "mqtt://c")), [`${url} {"from":"mqtt://b","to":"mqtt://c"}`]);
    assert.equal(await begin(secret(url, "mqtt://a:third-horse@b")), [`${url} {"secret":"changed"}`]);
    const rows = JSON.stringify([
      database.prepare("SELECT * FROM kept_settings").all(),
      database.prepare("SELECT * FROM audit").all(),
    ]);
    assert.not.match(rows, /horse/);
    assert.equal(await begin(), [`${url} {"secret":"left out"}`]);
  });
});
