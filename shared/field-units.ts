/** How a number is written. A `…/s` unit is a rate of the one before it; one that begins with a space is written behind it as it is. */
export type FieldUnit = "number" | "percent" | "bytes" | "bytes/s" | "number/s" | "celsius" | "seconds" | ` ${string}`;

/** Units that are written in a way of their own, by what people call them. */
const named: Readonly<Record<string, FieldUnit>> = {
  "": "number",
  "%": "percent",
  "°C": "celsius",
  B: "bytes",
  bytes: "bytes",
  "B/s": "bytes/s",
  "bytes/s": "bytes/s",
  s: "seconds",
  "1/s": "number/s",
  "/s": "number/s",
};

/** The unit that a person or a collector has named: `hPa`, `°C`, `bytes`. */
export const toUnit = (text: string): FieldUnit => (Object.hasOwn(named, text) ? named[text] : undefined) ?? ` ${text}`;

/** What the growth of something in a second is measured in. @param unit of what grows */
export const rateUnit = (unit: FieldUnit): FieldUnit =>
  unit === "bytes" ? "bytes/s" : unit.startsWith(" ") ? ` ${unit.slice(1)}/s` : "number/s";

/** What a chart's title says of a unit. */
export function unitLabel(unit: FieldUnit): string {
  if (unit.startsWith(" ")) return unit.slice(1);
  return (
    { percent: "%", celsius: "°C", bytes: "bytes", "bytes/s": "bytes/s", "number/s": "1/s", seconds: "s" }[
      unit as string
    ] ?? ""
  );
}

/**
 * By the last word of a field's name: units as Prometheus and Telegraf write them, and what Home Assistant calls things that come in one unit
 * by default. What comes in several (distance, speed, weight) stands without one until a person says it.
 */
const lastWords: readonly (readonly [words: string, unit: FieldUnit])[] = [
  ["percent percentage pct humidity moisture battery soc", "percent"],
  ["temperature temp celsius tc", "celsius"],
  ["seconds sec secs uptime", "seconds"],
  ["milliseconds msec ms", " ms"],
  ["microseconds us", " µs"],
  ["ns nanoseconds", " ns"],
  ["fahrenheit", " °F"],
  ["kelvin", " K"],
  ["pressure hpa", " hPa"],
  ["kpa", " kPa"],
  ["pascals pa", " Pa"],
  ["illuminance lux lx", " lx"],
  ["power watts watt apower", " W"],
  ["kw", " kW"],
  ["energy kwh", " kWh"],
  ["wh", " Wh"],
  ["joules", " J"],
  ["voltage volts volt", " V"],
  ["mv millivolts", " mV"],
  ["amperes amps", " A"],
  ["ma milliamps", " mA"],
  ["frequency hertz hz", " Hz"],
  ["mhz", " MHz"],
  ["rssi dbm", " dBm"],
  ["db decibels", " dB"],
  ["co2 ppm", " ppm"],
  ["ppb", " ppb"],
  ["pm1 pm10 pm25", " µg/m³"],
  ["meters metres", " m"],
  ["mm", " mm"],
  ["cm", " cm"],
  ["grams", " g"],
  ["kg", " kg"],
  ["liters litres", " l"],
  ["rpm", " rpm"],
];

const byLastWord = new Map(lastWords.flatMap(([words, unit]) => words.split(" ").map((word) => [word, unit] as const)));

/** Words of so many letters are a unit behind another word alone: a field that is named `pa` may be anything. */
const short = 2;

const byteMeasurements = new Set(["mem", "swap", "disk"]);

/** The unit of a field as its name says it: `disk.used_percent`, `room.temperature`, `tele.ENERGY_Power`. */
export function unitOf(measurement: string, field: string): FieldUnit {
  if (field.startsWith("usage_")) return "percent";
  const words = wordsOf(field);
  const last = words.at(-1) ?? "";
  // There it is millivolts of batteries, and volts of the mains.
  if (measurement === "zigbee2mqtt" && last === "voltage") return "number";
  // Before the last word as well: `bytes_recv`, `sent_bytes_total`.
  if (words.includes("bytes")) return "bytes";
  if (measurement === "temp" || words[0] === "temperature") return "celsius";
  if (last === "power" && words.includes("apparent")) return " VA";
  if (last === "power" && words.includes("reactive")) return " var";
  // Of electricity alone: programs have connections_current.
  if (last === "current" && (words.length === 1 || /^(energy|.)$/.test(words[0] ?? ""))) return " A";
  const unit = words.length > 1 || last.length > short ? byLastWord.get(last) : undefined;
  if (unit) return unit;
  const countsInodes = field.startsWith("inodes") || field.startsWith("huge_pages");
  return byteMeasurements.has(measurement) && !countsInodes ? "bytes" : "number";
}

/** `ENERGY_ApparentPower` is energy, apparent, power; `pm2_5` and `pm2.5` are pm25. */
function wordsOf(field: string): readonly string[] {
  return field
    .replace(/pm2[._]5/i, "pm25")
    .replaceAll(/([a-z\d])([A-Z])/g, "$1_$2")
    .toLowerCase()
    .split(/[^a-z\d%]+/)
    .filter((word) => word !== "");
}
