import { readdirSync, readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { queriesOf, written } from "../test/dashboards.ts";
import { suite } from "../test/suite.ts";
import { dashboards } from "./dashboards.ts";

suite("the dashboards' files", ({ test }) => {
  test("are what the code makes", () => {
    assert.equal(readdirSync("grafana/dashboards").toSorted(), Object.keys(dashboards()).toSorted());
    for (const [at, made] of Object.values(dashboards()).entries())
      assert.equal(written[at], JSON.parse(JSON.stringify(made)), `run: node --import tsx grafana/dashboards.ts`);
  });

  test("ids are unique, and panels lie side by side within 24 columns", () => {
    assert.is(new Set(written.map(({ uid }) => uid)).size, written.length);
    for (const { title, panels } of written) {
      assert.is(new Set(panels.map(({ id }) => id)).size, panels.length, title);
      const taken = new Set<string>();
      for (const { gridPos, title: panel } of panels) {
        const { x, y, w, h } = gridPos;
        assert.ok(x + w <= 24, `${title}: ${panel}`);
        for (let cell = 0; cell < w * h; cell += 1) {
          const place = `${x + (cell % w)},${y + Math.floor(cell / w)}`;
          assert.not(taken.has(place), `${title}: ${panel} lies on another panel`);
          taken.add(place);
        }
      }
    }
  });

  test("every query goes to the provisioned data source", () => {
    const provisioned = readFileSync("grafana/provisioning/datasources/muster.yaml", "utf8");
    assert.match(provisioned, /\n +uid: muster\n/);
    const sources = JSON.stringify(written).match(/"datasource":\{[^}]*\}/g) ?? [];
    assert.equal([...new Set(sources)], ['"datasource":{"type":"influxdb","uid":"muster"}']);
  });

  test("the page of one device shows every measurement of docs/metrics.md", () => {
    const documented = [...readFileSync("docs/metrics.md", "utf8").matchAll(/^## (\w+)$/gm)].map(([, name]) => name);
    const shown = new Set(queriesOf(written[1]!).map(({ query }) => /FROM "(\w+)"/.exec(query)?.[1]));
    assert.equal(
      documented.filter((name) => !shown.has(name)),
      [],
    );
  });
});
