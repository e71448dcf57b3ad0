import * as assert from "uvu/assert";
import {
  changesReach,
  configurable,
  configurableKeys,
  emptyHash,
  configurationFaults,
  configurationHash,
  maxConfigurationBytes,
} from "#shared/configuration";
import { settings } from "#shared/settings";
import { maxExtraTags, parseTags } from "#shared/settings/extra-tags";
import { suite } from "../test/suite.ts";

suite("settings that are changed from afar", ({ test }) => {
  test("are settings of an agent, and none that say who it is or whom it obeys", () => {
    for (const name of configurable) assert.ok((settings[name].programs as readonly string[]).includes("agent"), name);
    for (const key of ["device", "signers", "data", "remote-directories", "root", "reboot-command", "join-file"])
      assert.not.ok(configurableKeys.includes(key), key);
  });

  for (const [name, given, fault] of [
    [
      "each by its own rule",
      {
        interval: "5s",
        "outbox-size": "64",
        "outbox-sync": "60s",
        "max-bytes-per-day": "20",
        "mqtt-version": "auto",
        tags: "a=b,c=d=e",
      },
      undefined,
    ],
    ["a value that is none", { interval: "50ms" }, /^interval is "50ms": expected a duration from 100ms to 1d$/],
    [
      "no bytes at all",
      { "max-bytes-per-day": "0" },
      /^max-bytes-per-day is "0": expected a whole number of MiB from 1 to/,
    ],
    [
      "one that is not changed from afar",
      { signers: "x" },
      /^"signers" is no setting that is changed from the console/,
    ],
    ["a secret in a URL, which is not repeated", { "mqtt-url": "mqtt://a:b@c" }, /^mqtt-url is not usable: (?!.*a:b)/],
    ["no certificates", { ca: "x" }, /-----BEGIN CERTIFICATE-----/],
    ["what would lock everybody out", { allow: "ping, !configure" }, /nobody able to change it back/],
  ] as const)
    test(name, () => {
      const faults = configurationFaults(given).join("\n");
      if (fault) assert.match(faults, fault);
      else assert.is(faults, "");
    });

  test("have so many bytes, and no more", () => {
    const room = maxConfigurationBytes - JSON.stringify({ allow: "" }).length;
    assert.equal(configurationFaults({ allow: "a".repeat(room) }), []);
    assert.match(
      configurationFaults({ allow: "a".repeat(room + 1) }).join(),
      new RegExp(`${maxConfigurationBytes + 1} bytes`),
    );
  });

  test("are told apart by a hash that the order of their names does not change", () => {
    assert.is(configurationHash({ a: "1", b: "2" }), configurationHash({ b: "2", a: "1" }));
    assert.is.not(configurationHash({ a: "1" }), emptyHash);
    assert.is(emptyHash.length, 16);
  });

  test("may cut an agent off where they are about the way to its console", () => {
    assert.ok(changesReach({}, { "mqtt-url": "mqtt://x" }));
    assert.ok(changesReach({ ca: "x" }, {}));
    assert.not.ok(changesReach({ ca: "x" }, { ca: "x", interval: "5s" }));
  });

  test(`tags of an agent: ${maxExtraTags}, and none that the console gives`, () => {
    const many = (count: number): string => Array.from({ length: count }, (_, at) => `t${at}=1`).join(",");
    assert.is(Object.keys(parseTags(many(maxExtraTags))).length, maxExtraTags);
    assert.throws(() => parseTags(many(maxExtraTags + 1)), new RegExp(`${maxExtraTags} tags at most`));
    for (const wrong of ["host=x", "time=1", "a", "a=", "=b", "a=b\\"]) assert.throws(() => parseTags(wrong), wrong);
  });
});
