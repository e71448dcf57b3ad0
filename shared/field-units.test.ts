import * as assert from "uvu/assert";
import { suite } from "../test/suite.ts";
import { toUnit, unitLabel, unitOf, type FieldUnit } from "./field-units.ts";

const cases: readonly (readonly [measurement: string, field: string, FieldUnit])[] = [
  // Telegraf
  ["cpu", "usage_idle", "percent"],
  ["mem", "used_percent", "percent"],
  ["mem", "total", "bytes"],
  ["mem", "huge_pages_free", "number"],
  ["disk", "inodes_free", "number"],
  ["disk", "inodes_used_percent", "percent"],
  ["net", "bytes_recv", "bytes"],
  ["system", "load1", "number"],
  ["system", "uptime", "seconds"],
  ["temp", "temp", "celsius"],
  ["kernel", "boot_time", "number"],
  ["internal_gather", "gather_time_ns", " ns"],
  ["sensors", "temp_input", "number"],
  // Prometheus
  ["node", "process_resident_memory_bytes", "bytes"],
  ["node", "network_transmit_bytes_total", "bytes"],
  ["node", "scrape_duration_seconds", "seconds"],
  ["node", "battery_volts", " V"],
  ["node", "cpu_frequency_hertz", " Hz"],
  ["node", "hwmon_temp_celsius", "celsius"],
  ["node", "room_temperature_celsius", "celsius"],
  // Home Assistant's device classes, and what devices make of them
  ["garden", "temperature", "celsius"],
  ["room", "temperature_outside", "celsius"],
  ["room", "humidity", "percent"],
  ["room", "Humidity", "percent"],
  ["room", "battery", "percent"],
  ["room", "pressure", " hPa"],
  ["room", "illuminance", " lx"],
  ["room", "co2", " ppm"],
  ["room", "pm2.5", " µg/m³"],
  ["room", "pm2_5", " µg/m³"],
  ["radio", "rssi", " dBm"],
  ["esp", "wifi_rssi", " dBm"],
  ["tele", "ENERGY_Power", " W"],
  ["tele", "ENERGY_ApparentPower", " VA"],
  ["tele", "ENERGY_ReactivePower", " var"],
  ["tele", "ENERGY_Current", " A"],
  ["tele", "ENERGY_Voltage", " V"],
  ["tele", "AM2301_Temperature", "celsius"],
  ["shelly", "temperature_tC", "celsius"],
  ["shelly", "apower", " W"],
  ["shelly", "a_current", " A"],
  ["zigbee2mqtt", "voltage", "number"],
  ["zigbee2mqtt", "linkquality", "number"],
  // What may be anything
  ["app", "connections_current", "number"],
  ["app", "pa", "number"],
  ["app", "status", "number"],
  ["app", "sensor_a", "number"],
  ["app", "", "number"],
  ["app", "постоянная", "number"],
  ["app", "constructor", "number"],
];

suite("units of fields", ({ test }) => {
  for (const [measurement, field, unit] of cases)
    test(`${measurement}.${field} is ${unit}`, () => assert.is(unitOf(measurement, field), unit));

  test("that a person has named are written in their own way where there is one, else behind the number", () => {
    const words: [string, FieldUnit, label: string][] = [
      ["%", "percent", "%"],
      ["°C", "celsius", "°C"],
      ["bytes", "bytes", "bytes"],
      ["B/s", "bytes/s", "bytes/s"],
      ["s", "seconds", "s"],
      ["", "number", ""],
      ["bar", " bar", "bar"],
      ["constructor", " constructor", "constructor"],
    ];
    for (const [text, unit, label] of words) assert.equal([toUnit(text), unitLabel(toUnit(text))], [unit, label]);
  });
});
