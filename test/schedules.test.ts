import * as assert from "uvu/assert";
import type { Client } from "#api/client";
import { silentLog } from "#shared/log";
import { Console } from "../console/console.ts";
import { scheduleVerb } from "../cli/schedule-verb.ts";
import { serveApi } from "./api-server.ts";
import { assertRefused } from "./checked-client.ts";
import { startFleet } from "./fleet.ts";
import { eventually, suite, type Scope } from "./suite.ts";

const password = "correct horse";
const hour = 3_600_000;

async function start(scope: Scope) {
  const fleet = await startFleet(scope, "embedded");
  fleet.state.accounts.set("olga", "operator", password);
  fleet.state.accounts.set("eve", "viewer", password);
  fleet.state.accounts.set("ada", "operator", password);
  const serve = async (
    console: Console,
  ): Promise<Record<"olga" | "eve", Client> & { as: (login: string) => Client }> => {
    const { as } = await serveApi(scope, { ...fleet, console });
    return { as, olga: as(`olga:${password}`), eve: as(`eve:${password}`) };
  };
  return { fleet, serve, ...(await serve(fleet.console)) };
}

/** An hour and some minutes ago by the clock of UTC: what was due then is within the window. */
const hourly = (): string => `${new Date(Date.now() - 10 * 60_000).getUTCMinutes()} * * * *`;
const ping = { key: "ping", target: { devices: ["rpi-7"] } };

suite("schedules", ({ test }) => {
  test("what was due while the console was away is begun late and once, whatever is killed when", async (scope) => {
    const { fleet, olga, serve } = await start(scope);
    const { state } = fleet;
    await fleet.agent("rpi-7");
    const { id, next } = await olga.createSchedule({ name: "hourly", cron: hourly(), order: { ...ping, ttl: "1m" } });
    assert.ok((next[0] ?? 0) - Date.now() > 45 * 60_000);
    await fleet.console.stop();
    state.database.prepare("UPDATE schedules SET handled = ?").run(Date.now() - hour);
    const begin = async (): Promise<Client> => {
      const way = { url: fleet.url, password: fleet.secretOf("console") };
      const console = new Console({ directory: state.directory, state, log: silentLog, ...way });
      await console.start();
      scope.cleanup(() => console.stop());
      await eventually("its broker", () => console.brokerConnected);
      return (await serve(console)).olga;
    };
    let client = await begin();
    await eventually(
      "the command",
      async () => (await client.listCommands({ state: "succeeded" })).commands.length === 1,
    );
    const [run] = (await client.getSchedule(id)).runs;
    assert.equal([run?.state, /^begun 1\dm.* late$/.test(run?.why ?? "")], ["begun", true]);
    assert.match((await client.getJob(run?.job ?? "")).by, /^olga \(schedule hourly\)$/);
    const [job] = (await client.listJobs({ schedule: id })).jobs;
    assert.equal([job?.id, job?.schedule], [run?.job, { id, name: "hourly" }]);
    assert.equal((await client.listJobs({ schedule: "none" })).jobs, []);
    // As if killed behind the job's row and before the schedule's.
    state.database.prepare("DELETE FROM schedule_runs").run();
    state.database.prepare("UPDATE schedules SET handled = ?").run(Date.now() - hour);
    client = await begin();
    await eventually("its run", async () => (await client.getSchedule(id)).runs.length === 1);
    await eventually("what became of it", async () =>
      / done 1\/1 /.test(await scheduleVerb(client, ["list"], {}, Date.now())),
    );
    const { commands } = await client.listCommands();
    assert.equal([commands.length, (await client.listJobs()).jobs.length], [1, 1]);
  });

  test("they are made, looked at, paused and removed by operators, over HTTP and on the command line", async (scope) => {
    const { fleet, as, olga, eve } = await start(scope);
    await fleet.agent("rpi-7");
    const verb = (...words: string[]) => scheduleVerb(olga, words, {}, Date.now());
    assert.match(await verb("list"), /no schedules yet/);
    await verb("add", "* * * * *", "ping").then(
      () => assert.unreachable(),
      (error: Error) => assert.match(error.message, /^say to whom: --device DEVICE, --group/),
    );
    const flags = { zone: "Europe/Berlin", window: "2h", missed: "tell", name: "night", where: "id=rpi-*", arg: [] };
    assert.match(
      await scheduleVerb(olga, ["add", "30 2 * * *", "ping"], flags, Date.now()),
      /^night .*is due next at /,
    );
    const [made] = (await eve.listSchedules()).schedules;
    assert.equal(
      [made?.cron, made?.zone, made?.window, made?.missed, made?.order.target, made?.next.length],
      ["30 2 * * *", "Europe/Berlin", 2 * hour, "tell", { where: "id=rpi-*" }, 1],
    );
    const id = made?.id ?? "";
    assert.match(await verb("list"), /NAME +CRON +ZONE .*\n.*night +30 2 \* \* \* +Europe\/Berlin/);
    assert.match(await verb("pause", id), /is paused/);
    assert.equal((await eve.getSchedule(id)).next, []);
    assert.match(await verb("resume", id), /is due next at/);
    assert.is((await eve.getSchedule(id)).next.length, 5);
    assert.match(await verb("show", id), /no run yet/);
    const changed = { name: "dawn", cron: "0 5 * * *", zone: "Asia/Tokyo", order: { ...ping, ttl: "2h" } };
    const dawn = await as(`ada:${password}`).changeSchedule(id, changed);
    assert.equal(
      [
        dawn.id,
        dawn.name,
        dawn.by,
        dawn.window,
        dawn.missed,
        dawn.order.ttl,
        new Date(dawn.next[0] ?? 0).getUTCHours(),
      ],
      [id, "dawn", "ada", hour, "run", 2 * hour, 20],
      "what is not said is as for a new one, and who changes it answers for it",
    );
    await assertRefused(eve.changeSchedule(id, changed), 403, /needs the role operator/);
    await assertRefused(olga.changeSchedule(id, { ...changed, cron: "0 0 31 2 *" }), 400, /is never due/);
    await assertRefused(olga.changeSchedule("x", changed), 404, /no schedule "x"/);
    assert.is((await eve.getSchedule(id)).name, "dawn");
    await assertRefused(eve.pauseSchedule(id), 403, /needs the role operator/);
    await assertRefused(olga.getSchedule("x"), 404, /no schedule "x"/);
    await assertRefused(
      olga.createSchedule({ name: "x", cron: "0 3 * * *", order: { ...ping, target: { group: "x" } } }),
      404,
      /there is no group/,
    );
    await assertRefused(olga.createSchedule({ name: "x", cron: "0 3", order: ping }), 400, /expected five fields/);
    assert.is((await eve.listTimes({ cron: "0 3 * * *", zone: "Asia/Tokyo" })).times.length, 5);
    const device = { device: ["rpi-7"], arg: [] };
    const change = (cron: string, more: object) =>
      scheduleVerb(olga, ["change", id, cron, "ping"], { ...device, ...more }, Date.now());
    const first = await change("0 6 * * *", { zone: "UTC" });
    assert.match(
      first,
      /^ping at 0 6 \* \* \* .*is due next at .*\n {2}dropped, as it was not said again: name dawn → ping at/,
    );
    assert.match(
      first,
      /\n {2}changed: cron line 0 5 \* \* \* → 0 6 \* \* \*\n {2}changed: zone Asia\/Tokyo → UTC\n.*ttl 2h → 1h/,
    );
    assert.match(
      await change("0 7 * * *", { zone: "UTC" }),
      /\n {2}changed: name ping at 0 6 \* \* \* → ping at 0 7 \* \* \*\n {2}changed: cron line [^\n]*$/,
    );
    assert.match(await change("0 7 * * *", { zone: "UTC" }), /\n {2}nothing of it is another/);
    assert.match(await verb("remove", id), /is removed/);
    const { secret, id: tokenId } = await olga.createToken({ name: "deploys" });
    const { id: programs } = await as(secret).createSchedule({ name: "x", cron: "0 3 * * *", order: ping });
    assert.equal((await eve.getSchedule(programs)).token, { id: tokenId, name: "deploys" });
    assert.match(await verb("show", programs), /by olga with the token deploys, and as long as that is good/);
    await verb("remove", programs);
    fleet.state.groups.set("rpi-7" as never, ["lab", "hall"]);
    const limited = async (...groups: string[]) => as((await olga.createToken({ name: "x", groups })).secret);
    const [lab, both] = [await limited("lab"), await limited("lab", "hall")];
    const order = { name: "x", cron: "0 3 * * *", order: ping };
    const [whole, wider, its] = [
      await olga.createSchedule(order),
      await both.createSchedule(order),
      await lab.createSchedule(order),
    ];
    assert.equal(
      (await lab.listSchedules()).schedules.map((one) => one.id),
      [its.id],
    );
    for (const beyond of [whole.id, wider.id])
      for (const ask of [
        () => lab.getSchedule(beyond),
        () => lab.pauseSchedule(beyond),
        () => lab.resumeSchedule(beyond),
        () => lab.changeSchedule(beyond, order),
        () => lab.removeSchedule(beyond),
      ])
        await assertRefused(ask(), 404, /there is no schedule/);
    assert.equal((await both.listSchedules()).schedules.length, 2);
    await lab.pauseSchedule(its.id);
    for (const one of [whole, wider, its]) await verb("remove", one.id);
    assert.equal((await eve.listSchedules()).schedules, []);
  });
});
