import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { parseDeviceId } from "#shared/ids";
import { generateSecret, hashSecret, rounds } from "#shared/password";
import { Signal } from "#shared/signal";
import { suite } from "../../test/suite.ts";
import type { Withheld } from "../desk/device-replies.ts";
import { openState } from "../state/state.ts";
import { rotateSecret } from "./rotate-secret.ts";

suite("a secret that cannot be changed by a command", ({ test }) => {
  for (const [what, certified, told] of [["a device with a certificate", true, /by a certificate.*--revoke/]] as const)
    test(`${what}: nothing is sent, and it is said what to do instead`, async (scope) => {
      const state = openState(await scope.directory(), new ManualClock());
      scope.cleanup(() => state.close());
      const { accounts, audit } = state;
      const device = parseDeviceId("cam");
      accounts.putDevice(device, hashSecret(generateSecret(), rounds.generated), certified);
      let sent = 0;
      const send = (): Promise<never> => {
        sent += 1;
        return Promise.reject(new Error("sent"));
      };
      const desk = { withheld: new Signal<Withheld>() };
      const options = { accounts, audit, send, desk, oneSecret: false };
      const error: unknown = await rotateSecret(device, { by: "ann", from: "" }, options).catch(
        (thrown: unknown) => thrown,
      );
      assert.ok(error instanceof Error);
      assert.match(error.message, told);
      assert.is(sent, 0);
    });
});
