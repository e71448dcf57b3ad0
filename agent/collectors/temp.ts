import type { Collector, Reading } from "./collector.ts";
import type { ProcReader } from "./proc.ts";

interface Sensor {
  readonly sensor: string;
  /** What tells two sensors of one name apart, and what does so where one device has several. */
  readonly device: string;
  readonly input: string;
  /** Holds thousandths of a degree Celsius. */
  readonly path: string;
}

/** Sensors come and go with their drivers and plugs. Milliseconds between two looks. */
const rediscovery = 60_000;

/** Temperatures in °C: of the hardware monitors, or of the thermal zones of a machine without (a Raspberry Pi's CPU). */
export function temp(proc: ProcReader): Collector {
  let sensors: readonly Sensor[] = [];
  let looked = Number.NEGATIVE_INFINITY;
  return {
    name: "temp",
    sample({ clock }) {
      const now = clock.monotonic();
      if (now - looked >= rediscovery) {
        sensors = discover(proc);
        looked = now;
      }
      return sensors.flatMap((sensor) => reading(sensor, sensors, proc));
    },
  };
}

/**
 * None for a sensor whose hardware sleeps or is gone. Two of one name get Telegraf's optional tag `device`; where one device has both
 * (its driver gives no labels, or the same twice), the name of the input is added to theirs.
 */
function reading({ sensor, device, input, path }: Sensor, all: readonly Sensor[], proc: ProcReader): Reading[] {
  const thousandths = Number.parseFloat(proc.findAgain(path) ?? "");
  if (Number.isNaN(thousandths)) return [];
  const namesakes = all.filter((other) => other.sensor === sensor && other.path !== path);
  const full = namesakes.some((other) => other.device === device) ? `${sensor}_${input}` : sensor;
  const tags = namesakes.some((other) => other.device !== device) ? { sensor: full, device } : { sensor: full };
  return [{ measurement: "temp", tags, fields: { temp: thousandths / 1_000 } }];
}

function discover(proc: ProcReader): readonly Sensor[] {
  const monitors = proc.list("/sys/class/hwmon").map((entry) => `/sys/class/hwmon/${entry}`);
  for (const place of ["", "/device"]) {
    const found = monitors.flatMap((monitor) => sensorsIn(monitor + place, proc));
    if (found.length > 0) return found;
  }
  return thermalZones(proc);
}

function sensorsIn(directory: string, proc: ProcReader): Sensor[] {
  const inputs = proc.list(directory).filter((name) => /^temp\d+_input$/.test(name));
  if (inputs.length === 0) return [];
  const device = basename(proc.link(`${directory}/device`) ?? directory);
  const name = proc.find(`${directory}/name`)?.trim() || device;
  return inputs.map((input) => {
    const path = `${directory}/${input}`;
    const label = proc.find(path.replace("_input", "_label"))?.trim().toLowerCase().replaceAll(" ", "_");
    return { sensor: label ? `${name}_${label}` : name, device, input: input.replace("_input", ""), path };
  });
}

function thermalZones(proc: ProcReader): Sensor[] {
  return proc
    .list("/sys/class/thermal")
    .filter((zone) => zone.startsWith("thermal_zone"))
    .map((zone) => {
      const directory = `/sys/class/thermal/${zone}`;
      const sensor = proc.find(`${directory}/type`)?.trim() || zone;
      return { sensor, device: zone, input: "temp", path: `${directory}/temp` };
    });
}

const basename = (path: string): string => path.slice(path.lastIndexOf("/") + 1);
