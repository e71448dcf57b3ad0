import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { suite } from "../../test/suite.ts";
import { linux } from "./all.ts";
import { disk } from "./disk.ts";
import { record } from "./fixture.ts";
import { centos7 } from "./machines/centos-7.ts";
import { container } from "./machines/container.ts";
import { kubernetesNode } from "./machines/kubernetes-node.ts";
import { nas } from "./machines/nas.ts";
import { numaServer } from "./machines/numa-server.ts";
import { raspberryPi } from "./machines/raspberry-pi.ts";
import { virtualMachine } from "./machines/virtual-machine.ts";
import type { RecordedMachine } from "./machines/recorded-machine.ts";
import type { Collector, Reading } from "./collector.ts";
import type { Scope } from "../../test/suite.ts";

const machines = [centos7, raspberryPi, numaServer, container, virtualMachine, nas, kubernetesNode];

/** What each collector says of the machine the second time, as it says it. Those that find nothing to read there say nothing. */
async function secondSample(scope: Scope, machine: RecordedMachine): Promise<readonly Reading[]> {
  const { proc, write } = await record(scope, machine.files);
  const ask = (path: Buffer) => {
    const answer = machine.capacities?.[path.toString("latin1")];
    if (!answer) throw new Error("EACCES: permission denied, statfs");
    return answer;
  };
  const asked = disk(proc, { local: ask, remote: async (path) => ask(path) });
  const all = linux(proc).map((one) => (one.name === "disk" ? asked : one));
  const clock = new ManualClock();
  await sampleEach(all, clock);
  await write(machine.later ?? {});
  clock.advance(10_000);
  const readings = await sampleEach(all, clock);
  for (const one of all) one.stop?.();
  return readings;
}

async function sampleEach(all: readonly Collector[], clock: ManualClock): Promise<Reading[]> {
  const readings: Reading[] = [];
  for (const one of all) {
    try {
      readings.push(...(await one.sample({ clock, problem: (error) => assert.unreachable(error.message) })));
    } catch (error) {
      assert.match(String(error), /ENOENT/, one.name);
    }
  }
  return readings;
}

const seriesOf = ({ measurement, tags }: Reading): string => `${measurement} ${JSON.stringify(tags)}`;

suite("machines", ({ test }) => {
  for (const machine of machines) {
    test(machine.what, async (scope) => {
      const readings = await secondSample(scope, machine);
      const bySeries = new Map(readings.map((one) => [seriesOf(one), one.fields]));
      assert.is(bySeries.size, readings.length, "each series once");
      for (const expected of machine.right) {
        const fields = bySeries.get(seriesOf(expected));
        assert.ok(fields, `${seriesOf(expected)} is not among ${[...bySeries.keys()].join("\n")}`);
        for (const [name, value] of Object.entries(expected.fields))
          assert.is(fields[name], value, `${seriesOf(expected)} ${name}`);
      }
      for (const [measurement, tag, values] of machine.series ?? []) {
        const found = readings.filter((one) => one.measurement === measurement).map(({ tags }) => tags[tag] ?? "");
        assert.equal(found.toSorted(), values.toSorted(), `${measurement} by ${tag}`);
      }
      for (const one of readings) holds(one);
    });
  }
});

/** What is so on every machine. */
function holds({ measurement, tags, fields }: Reading): void {
  for (const [name, value] of Object.entries(fields)) {
    const what = `${measurement} ${JSON.stringify(tags)} ${name} = ${String(value)}`;
    if (/percent|^usage_/.test(name)) assert.ok(Number(value) >= 0 && Number(value) <= 100, what);
    if (typeof value === "number" && measurement !== "temp" && name !== "speed") assert.not(value < 0, what);
  }
  if (measurement !== "cpu") return;
  const sum = Object.values(fields).reduce<number>((total, value) => total + Number(value), 0);
  assert.ok(Math.abs(sum - 100) < 0.01, `${JSON.stringify(tags)}: ${sum}`);
}
