import * as assert from "uvu/assert";
import type { PlannedDevice } from "#api/job-routes";
import { suite } from "../../test/suite.ts";
import { exceptionsOf } from "./job-plan.tsx";

suite("web job plan", ({ test }) => {
  test("tells reasons, not devices: what is refused first", () => {
    const planned = (device: string, verdict: PlannedDevice["verdict"], why: string | null): PlannedDevice => ({
      device,
      verdict,
      why,
      online: verdict === "now",
      canary: false,
    });
    const away = Array.from({ length: 9 }, (_, at) => planned(`d${at}`, "waits", "away"));
    const old = { ...planned("old", "refused", "offers no such command"), name: "Old one" };
    const all = [planned("ok", "now", null), ...away, old];
    assert.equal(exceptionsOf(all), [
      { text: "Old one", why: "offers no such command" },
      { text: "d0 and 8 more", why: "away" },
    ]);
  });
});
