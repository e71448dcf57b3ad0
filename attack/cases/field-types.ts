import { eventually } from "../../test/suite.ts";
import { must, type Case } from "../case.ts";
import { appear, batch, seen, topicsOf } from "../device.ts";
import { victim } from "../place.ts";

/** A device that names fields first, and with types that no other can follow. */
export const squatting: Case = {
  name: "type-squatting",
  tries: "fields of Muster's own measurements, and of others, named first as text",
  async run({ place, device }) {
    const [mallory, other] = [await appear(place, device), await appear(place, victim)];
    const own = [
      ["temp", "temp"],
      ["cpu", "usage_user"],
      ["mem", "used_percent"],
      ["disk", "used"],
    ] as const;
    const m = own.map(([n, field]) => ({ n, f: { [field]: "taken" } }));
    await mallory.publish(topicsOf(device).metrics, JSON.stringify(batch(1, { dt: [0], m })));
    await mallory.publish(topicsOf(device).simple("humidity"), '{"value":"taken"}');
    await seen(place, mallory, device);
    const numbers = own.map(([n, field]) => ({ n, f: { [field]: 41.5 } }));
    await other.publish(
      topicsOf(victim).metrics,
      JSON.stringify(batch(1, { outbox: `o${Date.now()}`, dt: [0], m: numbers })),
    );
    await seen(place, other, victim);
    for (const [measurement, field] of own) {
      await eventually(
        `${measurement}.${field} of the victim`,
        async () => {
          const path = `/api/devices/${victim}/metrics?measurement=${measurement}&field=${field}&from=-5m&every=0`;
          return (await place.read<{ series: unknown[] }>(path)).series.length > 0;
        },
        3,
      );
    }
    await other.publish(topicsOf(victim).simple("humidity"), '{"value":41.5}');
    await seen(place, other, victim);
    // Fields of nobody's: who came first may hold them, but it is told where an operator looks.
    const { entries } = await place.read<{ entries: { device: string; measurement: string }[] }>(
      "/api/quarantine?limit=10000",
    );
    const stored = await place.read<{ series: unknown[] }>(
      `/api/devices/${victim}/metrics?measurement=humidity&field=value&from=-5m&every=0`,
    );
    const told = entries.some((entry) => entry.device === victim && entry.measurement === "humidity");
    must(
      told || stored.series.length > 0,
      "the victim's samples of a field that is squatted are neither stored nor told",
    );
    mallory.leave();
    other.leave();
    return `${own.length} fields of Muster's own are everybody's`;
  },
};
