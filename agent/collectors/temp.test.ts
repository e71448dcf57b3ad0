import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { suite } from "../../test/suite.ts";
import { record, sample } from "./fixture.ts";
import { temp } from "./temp.ts";

const hwmon = "/sys/class/hwmon";
const zones = "/sys/class/thermal";

suite("temp", ({ test }) => {
  test("monitors: name and label make the sensor; two of one name are told apart by their device", async (scope) => {
    const { proc } = await record(scope, {
      [`${hwmon}/hwmon0/name`]: "coretemp\n",
      [`${hwmon}/hwmon0/temp1_input`]: "43500\n",
      [`${hwmon}/hwmon0/temp1_label`]: "Package id 0\n",
      [`${hwmon}/hwmon0/temp1_max`]: "100000\n",
      [`${hwmon}/hwmon1/name`]: "nvme\n",
      [`${hwmon}/hwmon1/temp1_input`]: "31000\n",
      [`${hwmon}/hwmon1/device`]: "-> ../../nvme0",
      [`${hwmon}/hwmon2/name`]: "nvme\n",
      [`${hwmon}/hwmon2/temp1_input`]: "-5250\n",
      [`${hwmon}/hwmon2/device`]: "-> ../../nvme1",
      [`${hwmon}/hwmon3/name`]: "asleep\n",
      [`${hwmon}/hwmon3/temp1_input`]: "",
      [`${zones}/thermal_zone0/type`]: "unused beside monitors\n",
      [`${zones}/thermal_zone0/temp`]: "1000\n",
    });
    assert.equal(await sample(temp(proc)), [
      { measurement: "temp", tags: { sensor: "coretemp_package_id_0" }, fields: { temp: 43.5 } },
      { measurement: "temp", tags: { sensor: "nvme", device: "nvme0" }, fields: { temp: 31 } },
      { measurement: "temp", tags: { sensor: "nvme", device: "nvme1" }, fields: { temp: -5.25 } },
    ]);
  });

  test("sensors of one chip without labels, or with equal ones, are each there", async (scope) => {
    const { proc } = await record(scope, {
      [`${hwmon}/hwmon0/name`]: "nct6775\n",
      [`${hwmon}/hwmon0/temp1_input`]: "0\n",
      [`${hwmon}/hwmon0/temp2_input`]: "2000\n",
      [`${hwmon}/hwmon0/temp3_input`]: "3000\n",
      [`${hwmon}/hwmon0/temp3_label`]: "CPU\n",
      [`${hwmon}/hwmon1/name`]: "nct6775\n",
      [`${hwmon}/hwmon1/temp1_input`]: "4000\n",
      [`${hwmon}/hwmon1/temp1_label`]: "AUX\n",
      [`${hwmon}/hwmon1/temp2_input`]: "5000\n",
      [`${hwmon}/hwmon1/temp2_label`]: "AUX\n",
      [`${hwmon}/hwmon1/temp3_input`]: "6000\n",
    });
    const readings = (await sample(temp(proc))).map(({ tags, fields }) => [
      tags["sensor"],
      tags["device"],
      fields["temp"],
    ]);
    assert.equal(readings.toSorted(), [
      ["nct6775", "hwmon1", 6],
      ["nct6775_aux_temp1", undefined, 4],
      ["nct6775_aux_temp2", undefined, 5],
      ["nct6775_cpu", undefined, 3],
      ["nct6775_temp1", "hwmon0", 0],
      ["nct6775_temp2", "hwmon0", 2],
    ]);
  });

  test("thermal zones where there is no monitor; a new one is found within a minute", async (scope) => {
    const { proc, write } = await record(scope, {
      [`${zones}/thermal_zone0/type`]: "cpu-thermal\n",
      [`${zones}/thermal_zone0/temp`]: "48312\n",
      [`${zones}/cooling_device0/type`]: "Fan\n",
    });
    const clock = new ManualClock();
    const collector = temp(proc);
    const cpu = { measurement: "temp", tags: { sensor: "cpu-thermal" }, fields: { temp: 48.312 } };
    assert.equal(await sample(collector, clock), [cpu]);
    await write({ [`${zones}/thermal_zone1/type`]: "gpu-thermal\n", [`${zones}/thermal_zone1/temp`]: "40000\n" });
    clock.advance(59_999);
    assert.equal(await sample(collector, clock), [cpu]);
    clock.advance(1);
    assert.is((await sample(collector, clock)).length, 2);
  });
});
