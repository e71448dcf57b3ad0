import * as assert from "uvu/assert";
import { ManualClock, systemClock } from "#shared/clock";
import { asDeviceId, type DeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import { eventually, suite } from "../../test/suite.ts";
import { Channels } from "../notifications/channels.ts";
import { Courier } from "../notifications/courier.ts";
import { mailServer } from "../notifications/kinds/mail-fixture.ts";
import { sendByChannel } from "../notifications/send-by-channel.ts";
import { PresenceHistory } from "../presence/presence-history.ts";
import { openState } from "../state/state.ts";
import { FleetReports } from "./fleet-reports.ts";
import { maxRowsSent } from "./report-notice.ts";
import { ReportSender, type ReportsSent } from "./report-sender.ts";

const at = (text: string): number => Date.parse(`${text}:00Z`);

suite("reports by mail", ({ test }) => {
  test("what was due while the console was away goes out once as it is back, by a real mail server, with all names escaped", async (scope) => {
    // A Sunday.
    const clock = new ManualClock(at("2026-11-29T12:00"));
    const state = openState(await scope.directory(), clock);
    scope.cleanup(() => state.close());
    const { database } = state;
    const { mails, settings } = await mailServer(scope);
    const channels = new Channels(database);
    const mail = { name: "mail", kind: "email", enabled: true, usual: false, by: "ann", ts: 0 };
    channels.put({ ...mail, settings: { ...settings, security: "none" } })();
    const ids = Array.from({ length: maxRowsSent + 5 }, (_, one) => asDeviceId(`rpi-${100 + one}`) as DeviceId);
    const presence = new PresenceHistory({ database, clock, devices: () => [], timely: () => true });
    const monday = at("2026-11-22T23:00");
    presence.rows.putWatch({ begun: monday, settled: monday, until: at("2026-11-29T23:00") });
    for (const device of ids) presence.rows.put({ device, ts: monday, up: true });
    presence.rows.put({ device: ids[0] as DeviceId, ts: at("2026-11-28T23:00"), up: false });
    const reports = new FleetReports({
      database,
      presence,
      devices: () => ids.map((id) => ({ id, name: "<img src=x>\u001b[2J", agent: null })),
      isForecast: () => false,
      clock,
    });
    let sent: ReportsSent = { weekly: ["mail"], monthly: [], zone: "Europe/Berlin" };
    let timely = true;
    let woken = 0;
    const sender = (): ReportSender =>
      new ReportSender({
        database,
        reports,
        clock,
        log: silentLog,
        sent: () => sent,
        url: "https://muster.example/reports",
        timely: () => timely,
        wake: () => (woken += 1),
      });
    const notices = (): unknown => database.prepare("SELECT count(*) AS n FROM notices").get()?.["n"];
    await sender().look();
    clock.setWall(at("2026-11-30T05:59"));
    await sender().look();
    assert.is(notices(), 0, "Monday at 6:59 there");
    clock.setWall(at("2026-12-02T10:00"));
    timely = false;
    await sender().look();
    assert.is(notices(), 0, "nobody knows what day it is");
    timely = true;
    const begun = sender();
    begun.start();
    await Promise.all([begun.look(), begun.stop()]);
    assert.is(notices(), 0, "what was stopped has written nothing down");
    await sender().look();
    await sender().look();
    assert.equal([notices(), woken], [1, 1]);
    for (const text of ["2026-11-29T12:00", "2026-12-02T10:00"]) {
      clock.setWall(at(text));
      await sender().look();
    }
    assert.equal([notices(), woken], [1, 1], "a clock that is put back by less than a day");
    const courier = new Courier({
      database,
      channels,
      log: silentLog,
      clock: { ...systemClock, now: () => clock.now() },
      send: sendByChannel({ clock: systemClock, show: () => Promise.reject(new Error("no broker")) }),
      gaveUp: () => {},
    });
    courier.start();
    scope.cleanup(() => courier.stop());
    const text = await eventually("the mail", () => mails[0]?.text);
    const plain = text.replaceAll(/=\r\n/g, "").replaceAll("=3D", "=");
    assert.match(plain, /^Subject: Weekly report, 2026-11-23 to 2026-11-29\r$/m);
    assert.match(plain, /text\/plain[^]*25 devices: 99\.42 % available, 1 outage[^]*text\/html/);
    assert.match(plain, /Told late, it was due: 2026-11-30 06:00:00 UTC/);
    assert.match(plain, /&lt;img src=x&gt;/);
    const { 1: html = "" } = plain.split("Content-Type: text/html");
    assert.ok(html !== "" && !html.includes("<img") && !html.includes("\u001b"));
    assert.match(plain, /href="https:\/\/muster\.example\/reports"/);
    assert.is(
      plain
        .split("<td")
        .slice(1)
        .filter((one) => one.includes("rpi-1")).length,
      maxRowsSent,
    );
    await eventually("its word", () => database.prepare("SELECT 1 FROM deliveries WHERE state = 'delivered'").get());
    // What was due while nobody wanted it is nobody's.
    sent = { ...sent, weekly: [] };
    await sender().look();
    clock.setWall(at("2026-12-08T10:00"));
    sent = { ...sent, weekly: ["mail", "nobody"], monthly: ["mail"] };
    await sender().look();
    assert.is(notices(), 1);
    clock.setWall(at("2027-01-05T10:00"));
    await sender().look();
    const told = database.prepare("SELECT json_extract(document, '$.title') AS title FROM notices WHERE id > 1").all();
    assert.equal(
      (told as { title: string }[]).map(({ title }) => title),
      ["Weekly report, 2026-12-28 to 2027-01-03", "Monthly report, 2026-12-01 to 2026-12-31"],
    );
  });
});
