import * as assert from "uvu/assert";
import type { Client, MadeEnrollment } from "#api/client";
import { suite } from "../test/suite.ts";
import { enroll } from "./show-enrollments.ts";

suite("what enroll prints", ({ test }) => {
  test("the line that takes a code back finds the same console", async () => {
    const enrollment = { id: "abc", name: "rpi-7", uses: 1, expires: 3_600_000 };
    const made = { enrollment, line: "curl …", code: "mj1…", note: null, qr: [] } as unknown as MadeEnrollment;
    const asked: unknown[] = [];
    const client = {
      createEnrollment: async (order: unknown) => {
        asked.push(order);
        return made;
      },
    } as unknown as Client;
    const origin = "https://muster.lan:3000";
    const told = await enroll(client, "rpi-7", { origin }, { now: 0, flags: ["--data", "my data"] });
    assert.match(told, /^to take it back: muster enroll --revoke abc --data 'my data'$/m);
    assert.equal(asked, [{ name: "rpi-7", origin }]);
  });
});
