import * as assert from "uvu/assert";
import { isGeneratedName } from "#api/schedule-name";
import { suite } from "../../test/suite.ts";
import { blank, readOrder, typedOrder } from "./read-order.ts";

suite("an order of before", ({ test }) => {
  test("is typed so that it is read as what it was", () => {
    const order = {
      key: "wait",
      args: { seconds: 5 },
      rate: 10,
      canary: 2,
      abort: { failed: 0.07, min: 3 },
      ttl: 5_400_000,
    };
    for (const target of [{ all: true }, { group: "lab" }, { where: "os=linux" }, { devices: ["a", "b"] }] as const) {
      const given = { ...order, target: "devices" in target ? { devices: [...target.devices] } : target };
      const more = { gate: "mem.used_percent < 80 for 5m", timeout: 60_000 };
      for (const one of [
        { ...given, timeout: null },
        { ...given, ...more },
      ]) {
        const { timeout, ...rest } = one;
        assert.equal(readOrder(typedOrder(one)), { ok: true, order: timeout === null ? rest : one });
      }
    }
    const least = {
      key: "ping",
      args: {},
      target: { all: true as const },
      rate: 1,
      canary: 0,
      abort: null,
      ttl: 1,
      timeout: null,
    };
    assert.equal(readOrder(typedOrder(least)), {
      ok: true,
      order: { key: "ping", target: { all: true }, rate: 1, ttl: 1 },
    });
  });
});

suite("the name of a schedule", ({ test }) => {
  test("is known for a generated one by command and cron line, in each language", () => {
    const [cron, order] = ["0 3 * * *", { key: "ping" }];
    for (const [name, generated] of [
      ["ping at 0 3 * * *", true],
      ["ping um 0 3 * * *", true],
      ["ping 0 3 * * *", false],
      ["ping all night at 0 3 * * *", false],
      ["ping at 0 4 * * *", false],
      ["nightly", false],
    ] as const)
      assert.is(isGeneratedName({ name, cron, order }), generated, name);
  });
});

suite("the job form", ({ test }) => {
  test("what was left empty is left out", () => {
    assert.equal(readOrder({ ...blank, key: "ping" }), { ok: true, order: { key: "ping", target: { all: true } } });
  });

  test("everything that was typed is read", () => {
    const typed = {
      ...blank,
      target: "devices" as const,
      devices: " a, b\nc ",
      key: "set-interval",
      args: '{"seconds": 5}',
      rate: "0.5",
      canary: "2",
      failed: "20",
      min: "5",
      gate: " mem.used_percent < 80 ",
      ttl: "1h",
      timeout: "30s",
    };
    assert.equal(readOrder(typed), {
      ok: true,
      order: {
        key: "set-interval",
        target: { devices: ["a", "b", "c"] },
        args: { seconds: 5 },
        rate: 0.5,
        canary: 2,
        ttl: 3_600_000,
        timeout: 30_000,
        gate: "mem.used_percent < 80",
        abort: { failed: 0.2, min: 5 },
      },
    });
  });

  test("each field that cannot be read says so", () => {
    const typed = { ...blank, target: "where" as const, args: "[1]", rate: "0", canary: "-1", min: "2", ttl: "5" };
    const read = readOrder(typed);
    assert.equal(read.ok ? [] : Object.keys(read.problems).sort(), [
      "args",
      "canary",
      "failed",
      "rate",
      "ttl",
      "where",
    ]);
    assert.match(read.ok ? "" : (read.problems.ttl ?? ""), /^Expected a unit/);
  });
});
