import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import type { Console } from "../console/console.ts";
import { startCertified } from "./certified.ts";
import { eventually, suite } from "./suite.ts";

const seenAt = (console: Console, device: string): Promise<unknown> =>
  eventually(`${device} online`, () => console.registry.get(device)?.online === true);

suite("a device with a certificate whose broker becomes another", ({ test }) => {
  test(
    "from Muster's own to Mosquitto and back: who is on, and who was off meanwhile",
    async (scope) => {
      const place = await startCertified(scope, "embedded");
      const [on, off] = [await place.join("stays-on"), await place.join("was-off")];
      place.agent("stays-on", on);
      const before = place.agent("was-off", off);
      for (const device of ["stays-on", "was-off"]) await place.sees(device, true);
      const ports = async (own: string): Promise<unknown> =>
        (JSON.parse(await readFile(join(own, "agent/certificate.json"), "utf8")) as { ports?: unknown }).ports;
      await eventually("where it may find another", async () => (await ports(off)) !== undefined);
      await before.stop();

      const there = await place.moveTo("mosquitto");
      await seenAt(there, "stays-on");
      const after = place.agent("was-off", off);
      await seenAt(there, "was-off");
      await after.stop();

      const back = await place.moveTo("embedded");
      await seenAt(back, "stays-on");
      place.agent("was-off", off);
      await seenAt(back, "was-off");
      assert.equal(await ports(off), await ports(on));
    },
    { seconds: 60 },
  );
});
