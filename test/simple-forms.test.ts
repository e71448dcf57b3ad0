import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { systemClock } from "#shared/clock";
import { parseDeviceId } from "#shared/ids";
import { Link } from "#shared/link";
import { silentLog } from "#shared/log";
import type { Refusal } from "#shared/messages/command-messages";
import { openForReading } from "../console/database/database.ts";
import { startFleet, type Fleet } from "./fleet.ts";
import { startInflux, type InfluxServer } from "./influx.ts";
import { forms, tableOf } from "./simple-forms.ts";
import { eventually, suite, type Scope } from "./suite.ts";

interface Row {
  readonly measurement: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly ts: number;
  readonly fields: Readonly<Record<string, unknown>>;
}

suite("simple samples", ({ test }) => {
  test("each form is stored and told as its case says, and its sender hears it", async (scope) => {
    const directory = await scope.directory();
    const history = { maxAge: 100 * 365 * 86_400_000, maxBytes: 1e9 };
    const fleet = await startFleet(scope, "embedded", { directory, history, selfInterval: 3_600_000 });
    const { publish, refusals } = await openDevice(scope, fleet);
    let known = new Set<string>();
    for (const { path, payload, stored, told = [] } of forms) {
      const { quarantine } = fleet.console.contract;
      quarantine.forget();
      const before = Date.now();
      const refused = refusals.length;
      await publish(`muster/rpi-7/metrics/${path}`, Buffer.from(payload));
      await eventually(payload, () => embeddedRows(directory).length === known.size + stored.length);
      const all = embeddedRows(directory);
      const fresh = all.filter((row) => !known.has(keyOf(row)));
      assert.equal(shown(fresh, before), stored, payload);
      known = new Set(all.map(keyOf));

      const [aside, answers] = [told.filter((one) => !isAnswer(one)), told.filter(isAnswer)];
      const listed = quarantine.list().map(({ field, got }) => `${field}: ${got}`);
      assert.equal(listed.sort(), aside, payload);
      if (answers.length > 0) await eventually(`an answer to ${payload}`, () => refusals.length > refused);
      const [answer, ...more] = refusals.slice(refused);
      assert.equal(more, [], payload);
      const [sentence = "", instead] = answers.map((one) => one.replace(/^\w+: /, ""));
      assert.ok((answer?.why ?? "").startsWith(sentence), `${answer?.why}\n${sentence}`);
      assert.is(answer?.try, instead);
    }
    await assertAsked(fleet, embeddedRows(directory));
  });

  test("InfluxDB holds the same names, tags and values", async (scope) => {
    const influx = await startInflux(scope);
    const fleet = await startFleet(scope, "embedded", { influxUrl: `${influx.url}/muster`, selfInterval: 3_600_000 });
    const { publish } = await openDevice(scope, fleet);
    const since = Date.now();
    for (const { path, payload } of forms) await publish(`muster/rpi-7/metrics/${path}`, Buffer.from(payload));
    const expected = forms.flatMap(({ stored }) => stored).map(withoutDistance);
    await eventually("all rows", async () => (await influxRows(influx)).length >= expected.length);
    const rows = shown(await influxRows(influx), since).map(withoutDistance);
    assert.equal(rows.sort(), expected.sort());
    await assertAsked(fleet, await influxRows(influx));
  });

  test("who says another thing of a moment than a message before is told that the later value stands", async (scope) => {
    const directory = await scope.directory();
    const fleet = await startFleet(scope, "embedded", { directory, selfInterval: 3_600_000 });
    const { publish, refusals } = await openDevice(scope, fleet);
    const ts = Date.now() - 5_000;
    const send = (values: object): Promise<void> =>
      publish("muster/rpi-7/metrics/room", Buffer.from(JSON.stringify({ ts, values })));
    for (const values of [{ t: 1 }, { t: 1 }, { h: 40 }]) await send(values);
    await send({ t: 2 });
    await eventually("the word", () => refusals.length > 0);
    assert.equal(refusals.length, 1);
    assert.match(
      refusals[0]?.why ?? "",
      /^two messages say different things of "room\.t" .* give each sample its own "ts"/,
    );
    await eventually("the later value", () => embeddedRows(directory)[0]?.fields["t"] === 2);
    assert.equal(
      embeddedRows(directory).map(({ fields }) => fields),
      [{ t: 2, h: 40 }],
    );
  });

  test("the page has the table of all forms", () => {
    assert.ok(
      readFileSync("docs/contract.md", "utf8").includes(tableOf(forms)),
      "docs/contract.md: take the table that node --import tsx test/simple-forms.ts prints",
    );
  });
});

/** Whatever its names are, each value comes back to who asks for it, as charts do. */
async function assertAsked({ console }: Fleet, rows: readonly Row[]): Promise<void> {
  const odd = rows.filter((row) =>
    /[^\w,:{}"[\].]/.test(JSON.stringify([row.measurement, row.tags, Object.keys(row.fields)])),
  );
  assert.ok(odd.length > 3);
  for (const { measurement, tags, ts, fields } of odd)
    for (const [field, value] of Object.entries(fields)) {
      const asked = { device: parseDeviceId("rpi-7"), measurement, field, tags, from: ts, to: ts + 1 };
      assert.equal(await console.store.query({ ...asked, every: 0 }), [{ tags, points: [[ts, value]] }], field);
      if (typeof value !== "number") continue;
      const [mean] = await console.store.query({ ...asked, every: 1_000 });
      assert.is(mean?.points[0]?.[1], value, field);
    }
}

function embeddedRows(directory: string): Row[] {
  const database = openForReading(join(directory, "metrics.db"));
  const found = database
    .prepare("SELECT measurement, tags, ts, fields FROM samples JOIN series ON series.id = series")
    .all() as unknown as { measurement: string; tags: string; ts: number; fields: string }[];
  database.close();
  return found.map(({ tags, fields, ...row }) => ({
    ...row,
    tags: JSON.parse(tags) as Row["tags"],
    fields: JSON.parse(fields) as Row["fields"],
  }));
}

interface InfluxSeries {
  readonly name: string;
  readonly tags?: Row["tags"];
  readonly columns: readonly string[];
  readonly values: readonly (readonly unknown[])[];
}

async function ask(influx: InfluxServer, query: string): Promise<readonly InfluxSeries[]> {
  const answer = await fetch(`${influx.url}/query?db=muster&epoch=ms&q=${encodeURIComponent(query)}`);
  const { results } = (await answer.json()) as { results: { series?: InfluxSeries[] }[] };
  return results.flatMap(({ series = [] }) => series);
}

async function influxRows(influx: InfluxServer): Promise<Row[]> {
  const names = (await ask(influx, "SHOW MEASUREMENTS")).flatMap(({ values }) => values.map(([name]) => String(name)));
  const all = await Promise.all(
    names.filter((name) => !name.startsWith("muster")).map((name) => ask(influx, `SELECT * FROM "${name}" GROUP BY *`)),
  );
  return all.flat().flatMap(({ name, tags = {}, columns, values }) =>
    values.map(([ts, ...fields]) => ({
      measurement: name,
      // A tag that only other series have comes back empty.
      tags: Object.fromEntries(Object.entries(tags).filter(([tag, value]) => tag !== "host" && value !== "")),
      ts: Number(ts),
      fields: Object.fromEntries(
        fields.map((value, at) => [columns[at + 1] ?? "", value] as const).filter(([, value]) => value !== null),
      ),
    })),
  );
}

const withoutDistance = (row: string): string => row.replace(/ \(\d+ ms before\)$/, "");

/** A device that publishes, and reads what it is refused. */
async function openDevice(scope: Scope, fleet: Fleet) {
  const refusals: Refusal[] = [];
  const link = new Link({
    url: fleet.url,
    clientId: "rpi-7",
    username: "rpi-7",
    password: fleet.secretOf("rpi-7"),
    log: silentLog,
    clock: systemClock,
  });
  link.subscribe(
    ["muster/rpi-7/refused"],
    ({ payload }) => void refusals.push(JSON.parse(payload.toString()) as Refusal),
  );
  link.start();
  scope.cleanup(() => link.stop());
  await eventually("the device's connection", () => link.connected);
  return { refusals, publish: (topic: string, payload: Buffer) => link.publish(topic, payload) };
}

const isAnswer = (told: string): boolean => /^(refused|try): /.test(told);
const keyOf = ({ measurement, tags, ts, fields }: Row): string => JSON.stringify([measurement, tags, ts, fields]);

/** Rows as the cases have them: those that stand at the arrival have no time. */
function shown(rows: readonly Row[], since: number): string[] {
  const last = Math.max(...rows.map(({ ts }) => ts));
  return [...rows]
    .sort((a, b) => a.ts - b.ts)
    .map(({ measurement, tags, ts, fields }) => {
      const named = Object.entries(tags).map(([tag, value]) => `,${tag}=${value}`);
      const values = Object.entries(fields)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([field, value]) => `${field}=${JSON.stringify(value)}`);
      const own = ts < since - 1_000 ? ` @${new Date(ts).toISOString()}` : ts < last ? ` (${last - ts} ms before)` : "";
      return `${measurement}${named.join("")} ${values.join(",")}${own}`;
    });
}
