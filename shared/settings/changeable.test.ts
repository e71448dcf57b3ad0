import * as assert from "uvu/assert";
import { settingNames, settingOf, settingsOf } from "#shared/settings";
import { changeableNames, isChangeable, whyAtStart } from "#shared/settings/changeable";
import { suite } from "../../test/suite.ts";

suite("settings that change while Muster runs", ({ test }) => {
  test("are the console's, hold no secret, and cannot cut anybody off; every other one says why not", () => {
    const own = new Set(settingsOf("console"));
    for (const name of changeableNames) {
      assert.ok(own.has(name), name);
      assert.not(settingOf(name).secret, name);
      assert.not(/Port$|listen|hosts|proxies|tls|Url|oidc/i.test(name), name);
    }
    for (const name of settingNames) if (!isChangeable(name)) assert.ok(whyAtStart(name).length > 10, name);
  });
});
