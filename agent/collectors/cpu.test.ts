import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { cpu } from "./cpu.ts";
import { record, sample } from "./fixture.ts";

// user nice system idle iowait irq softirq steal guest guest_nice
const first = `cpu  1000 100 500 8000 200 10 20 30 400 50
cpu0 1000 100 500 8000 200 10 20 30 400 50
intr 1 2 3
ctxt 5
`;
// 200 ticks later: user +60 (20 of them a guest's), nice +10 (4 a guest's), system +20, idle +80, iowait +16, +2, +4, +8.
const second = `cpu  1060 110 520 8080 216 12 24 38 420 54
cpu0 1060 110 520 8080 216 12 24 38 420 54
cpu1 7 0 0 0 0 0 0 0 0 0
intr 1 2 3
`;
const expected = {
  usage_user: 20,
  usage_nice: 3,
  usage_system: 10,
  usage_idle: 40,
  usage_iowait: 8,
  usage_irq: 1,
  usage_softirq: 2,
  usage_steal: 4,
  usage_guest: 10,
  usage_guest_nice: 2,
};

suite("cpu", ({ test }) => {
  test("two samples give the share of each kind of time, the first one alone none", async (scope) => {
    const { proc, write } = await record(scope, { "/proc/stat": first });
    const collector = cpu(proc);
    assert.equal(await sample(collector), []);
    await write({ "/proc/stat": second });
    assert.equal(await sample(collector), [
      { measurement: "cpu", tags: { cpu: "cpu-total" }, fields: expected },
      { measurement: "cpu", tags: { cpu: "cpu0" }, fields: expected },
    ]);
  });

  test("a processor that comes later is reported from its second sample on", async (scope) => {
    const { proc, write } = await record(scope, { "/proc/stat": second });
    const collector = cpu(proc);
    await sample(collector);
    await write({ "/proc/stat": second.replace("cpu1 7 0 0 0", "cpu1 8 0 0 3") });
    const [reading, ...others] = await sample(collector);
    assert.equal(others, []);
    assert.equal(reading?.tags, { cpu: "cpu1" });
    assert.is(reading?.fields["usage_user"], 25);
    assert.is(reading?.fields["usage_idle"], 75);
  });

  test("counters that stand still, or began anew, give nothing; one that steps back counts as zero", async (scope) => {
    const { proc, write } = await record(scope, { "/proc/stat": second });
    const collector = cpu(proc);
    await sample(collector);
    assert.equal(await sample(collector), []);
    await write({ "/proc/stat": first });
    assert.equal(await sample(collector), []);
    await write({ "/proc/stat": first.replaceAll("8000 200", "8012 198") });
    const [total] = await sample(collector);
    assert.is(total?.fields["usage_idle"], 100);
    assert.is(total?.fields["usage_iowait"], 0);
  });

  test("an old kernel with seven kinds of time is read as well", async (scope) => {
    const { proc, write } = await record(scope, { "/proc/stat": "cpu  1 0 1 1 0 0 0\nintr 1\n" });
    const collector = cpu(proc);
    await sample(collector);
    await write({ "/proc/stat": "cpu  2 0 1 4 0 0 0\nintr 1\n" });
    const [total] = await sample(collector);
    assert.is(total?.fields["usage_user"], 25);
    assert.is(total?.fields["usage_steal"], 0);
  });
});
