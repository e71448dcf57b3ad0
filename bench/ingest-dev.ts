import { blast, liveLoad, load, muster, plain } from "./ingest-runs.ts";
for (const what of process.argv.slice(2)) {
  const run = what === "blast" ? await blast(load) : what === "live" ? await muster("embedded", liveLoad) : what === "plain" ? await plain() : await muster(what as "embedded", load);
  const each = (n?: number) => n === undefined ? "-" : (n / run.points).toFixed(2);
  console.log(what, Math.round(run.points * 1000 / run.ms), "pts/s", run.ms.toFixed(0), "ms lost", run.lost, "resent", run.resent, "ours", each(run.cpu.ours), "broker", each(run.cpu.broker), "influx", each(run.cpu.influx), "load", each(run.cpu.load), new Date().toISOString().slice(17,23));
}
