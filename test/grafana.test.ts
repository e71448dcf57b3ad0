import * as assert from "uvu/assert";
import { alertRule } from "#shared/alerts/alert-rule";
import { queriesOf, written, type Written } from "./dashboards.ts";
import { startFleet, type Fleet } from "./fleet.ts";
import { ask, column, escaped, interpolate, type Answered, type Shown } from "./grafana.ts";
import { startInflux, type InfluxServer } from "./influx.ts";
import { writeToDisk } from "./kernel.ts";
import { eventually, suite } from "./suite.ts";

interface Servers {
  readonly influx: InfluxServer;
  readonly fleet: Fleet;
}

/** What each variable offers, asked in their order, and chosen: all of it, one by one, or by Grafana's "All". */
async function choose({ influx, fleet }: Servers, page: Written, all: boolean): Promise<Shown> {
  const variables: Record<string, string | string[]> = {};
  const shown = { from: Date.now() - 3_600_000, to: Date.now(), interval: "1s", variables };
  for (const { name, query, multi = false, regex = "/^/" } of page.templating?.list ?? []) {
    const statement = typeof query === "string" ? query : "";
    const fits = new RegExp(regex.slice(1, -1));
    const values = column(await ask(influx, interpolate(statement, shown)), "value").map(String);
    const offered = values.filter((value) => fits.test(value));
    assert.ok(offered.length > 0 || mayBeEmpty(statement, fleet), `${page.title}: the variable ${name} has no values`);
    const first = offered.find((value) => value === "rpi-7") ?? offered[0] ?? "";
    variables[name] = multi ? (all ? ".*" : offered) : escaped(first);
  }
  return shown;
}

function isEmpty(series: readonly Answered[]): boolean {
  return !series.some(({ values }) => values.some((row) => row.slice(1).some((value) => value !== null)));
}

/** What this machine may truly lack: a query for it may be empty where the agent itself sends none. */
const scarce = [
  ["temp", "temp"],
  ["system", "n_users"],
  ["diskio", "reads"],
] as const;

function mayBeEmpty(query: string, fleet: Fleet): boolean {
  const sent = fleet.console.registry.latest("rpi-7");
  const [measurement, field] = scarce.find(([name]) => query.includes(`FROM "${name}"`)) ?? [];
  if (measurement === undefined || field === undefined) return false;
  const about = measurement === "diskio" || query.includes(`"${field}"`);
  return about && !sent.some((sample) => sample.measurement === measurement && field in sample.fields);
}

const counters = [
  "TcpExtListenOverflows",
  "TcpExtTCPAbortOnTimeout",
  "TcpExtTCPAbortOnMemory",
  "UdpRcvbufErrors",
  "IpOutNoRoutes",
];

/** What agents send once a minute, twice a minute ago: no test waits for the two points that a rate is made of. */
async function writeSeldom(influx: InfluxServer): Promise<void> {
  const moments = [120_000, 60_000].map((ago) => Date.now() - ago);
  const lines = ["rpi-7", "rpi-8"].flatMap((host) =>
    moments.flatMap((at, step) => [
      `interrupts,host=${host},irq=9,type=acpi total=${step} ${at}`,
      `internal_agent,host=${host} metrics_gathered=${step},metrics_written=${step},gather_errors=${step} ${at}`,
      `internal_write,host=${host},output=muster write_time_ns=1000,buffer_size=${step} ${at}`,
      `nstat,host=${host} ${counters.map((name) => `${name}=${step}`).join()} ${at}`,
    ]),
  );
  const answer = await fetch(`${influx.url}/write?db=muster&precision=ms`, { method: "POST", body: lines.join("\n") });
  assert.is(answer.status, 204, await answer.text());
}

async function run({ influx, fleet }: Servers, page: Written, all: boolean): Promise<void> {
  const shown = await choose({ influx, fleet }, page, all);
  const empty: string[] = [];
  for (const { where, query, alias, columns } of queriesOf(page)) {
    const series = await ask(influx, interpolate(query, shown));
    if (isEmpty(series)) {
      if (!mayBeEmpty(query, fleet)) empty.push(`${where}: ${interpolate(query, shown)}`);
      continue;
    }
    for (const [, tag = ""] of alias.matchAll(/\$tag_(\w+)/g))
      assert.ok(series[0]?.tags?.[tag], `${where}: the legend's ${tag} is no tag of the answer`);
    for (const name of columns) assert.ok(column(series, name).length > 0, `${where}: no column ${name}`);
  }
  assert.equal(empty, []);
}

/** It fires on whatever has a load. */
const busy = alertRule.parse({ name: "AnyLoad", when: "system.load1 >= 0", severity: "info" });

suite("the dashboards' queries", ({ test, before }) => {
  let influx: InfluxServer;
  let fleet: Fleet;
  const alertMarks = async (): Promise<readonly (readonly unknown[])[]> => {
    const found = await ask(influx, `SELECT "id", "state", "end", "host" FROM "muster_alert" WHERE "rule" = 'AnyLoad'`);
    return found.flatMap(({ values }) => values);
  };

  before(async (scope) => {
    influx = await startInflux(scope);
    fleet = await startFleet(scope, "embedded", { influxUrl: `${influx.url}/muster`, selfInterval: 1_000 });
    for (const device of ["rpi-7", "rpi-8"]) await fleet.agent(device, { interval: 250 });
    await fleet.console.send("rpi-7", { key: "ping" });
    fleet.console.alerts.rules.apply([busy], { by: "ann", ts: Date.now() })();
    // Rates need two points of a second each, and disks something to do in between.
    await eventually("three seconds of samples", async () => {
      await writeToDisk(scope);
      const [series] = await ask(
        influx,
        `SELECT count("load1") FROM "system" WHERE "host" = 'rpi-7' GROUP BY time(1s)`,
      );
      return (series?.values.filter(([, count]) => Number(count) > 0).length ?? 0) > 3;
    });
    await writeSeldom(influx);
    await eventually("marks of alerts", async () => (await alertMarks()).length === 2);
  });

  for (const all of [true, false]) {
    test(`fleet and device answer with ${all ? "All" : "each value"} chosen`, async () => {
      for (const page of written.slice(0, 2)) await run({ influx, fleet }, page, all);
    });
  }

  test("the fleet's numbers are those of the fleet", async () => {
    const shown = await choose({ influx, fleet }, written[0]!, true);
    const answer = async (panel: string): Promise<readonly Answered[]> => {
      const found = queriesOf(written[0]!).find(({ where }) => where.endsWith(`: ${panel}`));
      return ask(influx, interpolate(found?.query ?? "", shown));
    };
    assert.equal(column(await answer("Devices that reported"), "count"), [2]);
    assert.equal(column(await answer("Commands that ended"), "count"), [1]);
    const seen = await answer("Devices");
    assert.equal(
      seen.map(({ tags }) => tags?.["host"]),
      ["rpi-7", "rpi-8"],
    );
    for (const time of column(seen, "time")) assert.ok(Math.abs(Number(time) - Date.now()) < 10_000, "last seen");
    const worst = await answer("Memory");
    assert.equal(column(worst, "host").toSorted(), ["rpi-7", "rpi-8"]);
  });

  test("a command's annotation says what became of it, at its end", async () => {
    const before = Date.now();
    const { id } = await fleet.console.send("rpi-8", { key: "report" });
    const mark = queriesOf(written[1]!).find(({ columns }) => columns.length > 0);
    const series = await eventually("the annotation", async () => {
      const shown = await choose({ influx, fleet }, written[1]!, true);
      const found = await ask(influx, interpolate(mark?.query ?? "", { ...shown, variables: { server: "rpi-8" } }));
      return column(found, "id").includes(id) ? found : undefined;
    });
    assert.equal(
      [column(series, "key"), column(series, "state"), column(series, "host")],
      [["report"], ["succeeded"], ["rpi-8"]],
    );
    assert.match(String(column(series, "text")[0]), /^report of api: succeeded after \d/);
    const at = Number(column(series, "time")[0]);
    assert.ok(at >= before && at <= Date.now(), `${before} ${at}`);
  });

  test("an alert's annotation is one point, from its firing to its end", async () => {
    const open = fleet.console.alerts.book.open().filter(({ rule }) => rule === busy.name);
    const one = open.find(({ device }) => device === "rpi-8");
    const mine = async () => (await alertMarks()).filter(([, id]) => id === one?.id);
    assert.equal(await mine(), [[one?.fired, one?.id, "firing", null, "rpi-8"]]);
    fleet.console.alerts.rules.remove(busy.name)();
    await eventually("its end", async () => (await mine()).some(([, , state]) => state === "resolved"));
    const { resolved } = fleet.console.alerts.book.find(one?.id ?? "") ?? {};
    assert.equal(await mine(), [[one?.fired, one?.id, "resolved", resolved, "rpi-8"]]);
    assert.is((await alertMarks()).length, open.length, "and no second one of any");
  });

  test("Muster itself answers, on the console's own points", async () => {
    await eventually("two reports, of which a rate is made", async () => {
      const [own] = await ask(influx, 'SELECT count("received") FROM "muster" GROUP BY time(1s) fill(none)');
      return (own?.values.length ?? 0) >= 2;
    });
    await run({ influx, fleet }, written[2]!, false);
    assert.equal(column(await ask(influx, 'SHOW TAG VALUES FROM "muster" WITH KEY = "host"'), "value"), ["console"]);
  });

  test("a command that ended while InfluxDB was away has its annotation afterwards", async () => {
    await influx.stop();
    const { id } = await fleet.console.send("rpi-8", { key: "ping" });
    await influx.start();
    await eventually("the annotation", async () =>
      column(await ask(influx, 'SELECT "id" FROM "muster_command"'), "id").includes(id),
    );
  });
});
