import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { generatedLength, rounds } from "#shared/password";
import { suite, type Scope } from "../../test/suite.ts";
import { openState, type State } from "../state/state.ts";

suite("MQTT secrets of people", ({ test }) => {
  test("one is generated, costs few rounds, and comes in beside the password", async (scope) => {
    const { accounts, mqttSecrets } = await state(scope);
    accounts.set("ann", "operator", "correct horse");
    const secret = mqttSecrets.issue("ann");
    assert.is(secret.length, generatedLength);
    assert.match(mqttSecrets.hashOf("ann") ?? "", new RegExp(`^\\$7\\$${rounds.generated}\\$`));
    for (const right of [secret, "correct horse"])
      assert.equal(await mqttSecrets.verify("ann", Buffer.from(right)), { name: "ann", role: "operator" });
    for (const wrong of ["", "wrong", "x".repeat(generatedLength)])
      assert.is(await mqttSecrets.verify("ann", Buffer.from(wrong)), undefined);
    assert.is(await accounts.verify("ann", secret), undefined, "the page and the API do not take it");
  });

  test("a new one replaces the old, and follows the account's role", async (scope) => {
    const { accounts, mqttSecrets } = await state(scope);
    accounts.set("ann", "operator");
    const old = mqttSecrets.issue("ann");
    const secret = mqttSecrets.issue("ann");
    accounts.set("ann", "viewer");
    assert.is(await mqttSecrets.verify("ann", Buffer.from(old)), undefined);
    assert.equal(await mqttSecrets.verify("ann", Buffer.from(secret)), { name: "ann", role: "viewer" });
  });

  test("it goes when it is revoked, and with the account", async (scope) => {
    const { accounts, mqttSecrets } = await state(scope);
    for (const end of [() => mqttSecrets.revoke("ann"), () => accounts.remove("ann")]) {
      accounts.set("ann", "operator");
      const secret = mqttSecrets.issue("ann");
      assert.is(end(), true);
      assert.is(mqttSecrets.hashOf("ann"), undefined);
      assert.is(await mqttSecrets.verify("ann", Buffer.from(secret)), undefined);
    }
  });

  test("devices, the console and nobody have none", async (scope) => {
    const { accounts, mqttSecrets } = await state(scope);
    const secret = accounts.set("rpi-7", "device");
    accounts.set("console", "console");
    for (const [name, told] of [
      ["rpi-7", /"rpi-7" is a device/],
      ["console", /"console" is a console/],
      ["zoe", /"zoe" is nobody/],
    ] as const)
      assert.throws(() => mqttSecrets.issue(name), told);
    assert.equal(await mqttSecrets.verify("rpi-7", Buffer.from(secret)), { name: "rpi-7", role: "device" });
  });
});

async function state(scope: Scope): Promise<State> {
  const opened = openState(await scope.directory(), new ManualClock());
  scope.cleanup(() => opened.close());
  return opened;
}
