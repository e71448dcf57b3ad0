import * as assert from "uvu/assert";
import { parseCommandId, parseDeviceId } from "#shared/ids";
import { Topics, type Address } from "#shared/topics";
import { suite } from "../test/suite.ts";

const device = parseDeviceId("rpi-7");
const id = parseCommandId("42");

const addresses: [string, Address][] = [
  ["muster/rpi-7/metrics", { kind: "metrics", device }],
  ["muster/rpi-7/metrics/cpu", { kind: "simple", device, path: "cpu" }],
  ["muster/rpi-7/metrics/Küche/a b/_c/", { kind: "simple", device, path: "Küche/a b/_c/" }],
  ["muster/rpi-7/metrics/", { kind: "simple", device, path: "" }],
  ["muster/rpi-7/ack", { kind: "ack", device }],
  ["muster/rpi-7/status", { kind: "status", device }],
  ["muster/rpi-7/cmd/42", { kind: "task", device, id }],
  ["muster/rpi-7/cmd", { kind: "short", device }],
  ["muster/rpi-7/reply/42", { kind: "reply", device, id }],
  ["muster/rpi-7/file-up/42", { kind: "file-up", device, id }],
  ["muster/rpi-7/file-down/42", { kind: "file-down", device, id }],
  ["muster/rpi-7/refused", { kind: "refused", device }],
  ["muster/console/status", { kind: "console" }],
  ["muster/console/stats/write_latency_ms", { kind: "stats", name: "write_latency_ms" }],
  ["muster/console/alerts/0mj-1", { kind: "alert", id: "0mj-1" }],
];

const strangers = [
  "",
  "muster",
  "muster/",
  "muster/rpi-7",
  "muster/rpi-7/",
  "muster/RPI/status",
  "muster//status",
  "muster/-x/status",
  "muster/a+b/status",
  "muster/a#/status",
  "muster/a\0b/status",
  "muster/rpi-7/cmd/",
  "muster/rpi-7/cmd/4 2",
  "muster/rpi-7/cmd/42/more",
  "muster/rpi-7/reply",
  "muster/RPI/metrics/cpu",
  "muster/rpi-7/status/x",
  "muster/console/cmd",
  "muster/console/metrics",
  "muster/console/alerts",
  "muster/console/alerts/",
  "muster/console/alerts/a b",
  "muster/console/alerts/1/more",
  "other/rpi-7/status",
  "musterx/rpi-7/status",
  "$SYS/broker/uptime",
];

suite("topics", ({ test }) => {
  const topics = new Topics();

  test("each address builds its topic and parses back", () => {
    for (const [topic, address] of addresses) {
      assert.is(topics.build(address), topic);
      assert.equal(topics.parse(topic), address);
    }
  });

  test("what is none of ours does not parse", () => {
    for (const topic of strangers) assert.is(topics.parse(topic), undefined, JSON.stringify(topic));
  });

  test("each kind's filter is its topic with a wildcard, and with all levels behind it for samples", () => {
    assert.is(topics.filter("simple"), "muster/+/metrics/+/#");
    for (const [topic, address] of addresses) {
      if (address.kind === "simple") continue;
      const levels = topic.split("/");
      const filter = topics.filter(address.kind).split("/");
      assert.is(filter.length, levels.length);
      assert.ok(
        filter.every((level, at) => level === "+" || level === levels[at]),
        topics.filter(address.kind),
      );
    }
  });

  test("another root moves every topic", () => {
    const other = new Topics("site/a");
    for (const [, address] of addresses) assert.equal(other.parse(other.build(address)), address);
    assert.is(other.parse("muster/rpi-7/status"), undefined);
  });
});
