import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { suite } from "../../test/suite.ts";
import { record } from "./fixture.ts";
import { linuxFacts } from "./inventory-linux.ts";
import { askLibrary, inventory } from "./inventory.ts";

suite("inventory", ({ test }) => {
  test("what is not known in time is left out, and nothing is added later", async () => {
    const clock = new ManualClock();
    const asked = inventory(clock, askLibrary);
    clock.advance(4_000);
    const facts = await asked;
    assert.type(facts["kernel"], "string");
    assert.not("distro" in facts);
    const whole = await inventory(new ManualClock(), askLibrary);
    assert.ok("distro" in whole);
    assert.not("distro" in facts);
  });

  test("a board, a bare machine and a guest tell about themselves in files", async (scope) => {
    const board = await record(scope, {
      "/usr/lib/os-release": "ID=debian\nNAME='Raspbian'\nVERSION_ID=12\n",
      "/proc/device-tree/model": "Raspberry Pi 3 Model B Plus Rev 1.3\0",
      "/proc/cpuinfo": "processor\t: 0\nFeatures\t: half thumb\n\nHardware\t: BCM2835\n",
    });
    assert.equal(linuxFacts(board.proc), {
      distro: "Raspbian",
      release: "12",
      manufacturer: undefined,
      model: "Raspberry Pi 3 Model B Plus Rev 1.3",
      cpu: "BCM2835",
      physical_cores: undefined,
      virtual: false,
    });

    const files = {
      "/etc/os-release": 'PRETTY_NAME="A 1 (one)"\nNAME="A & B"\n',
      "/sys/class/dmi/id/sys_vendor": "Hewlett-Packard\n",
      "/sys/class/dmi/id/product_name": "Microserver\n",
      "/proc/cpuinfo": "model name\t: Turion II: Neo\nflags\t\t: fpu vme\nmodel name\t: other\n",
      "/sys/devices/system/cpu/online": "0-1\n",
    };
    const { proc, write } = await record(scope, files);
    const { distro, release, manufacturer, model, cpu, physical_cores: cores, virtual } = linuxFacts(proc);
    assert.equal([distro, release, manufacturer, model], ["A & B", undefined, "Hewlett-Packard", "Microserver"]);
    assert.equal([cpu, cores, virtual], ["Turion II: Neo", 2, false]);
    await write({ "/proc/cpuinfo": "flags\t\t: fpu hypervisor vme\n" });
    assert.is(linuxFacts(proc)["virtual"], true);
    await write({ "/proc/cpuinfo": "", "/sys/class/dmi/id/sys_vendor": "QEMU\n" });
    assert.is(linuxFacts(proc)["virtual"], true);
  });
});
