import { systemClock } from "#shared/clock";
import { silentLog } from "#shared/log";
import { Broker } from "../broker/broker.ts";
import type { BenchScope } from "./children.ts";

/** Muster's broker on a free port, which takes whoever comes for the device of that name: what devices cost is measured, not who may come in. */
export async function startDeviceBroker({ cleanup }: Pick<BenchScope, "cleanup">) {
  const broker = new Broker({
    listen: "127.0.0.1",
    port: 0,
    root: "muster",
    authenticate: (name) => Promise.resolve({ name, role: "device" as const }),
    clock: systemClock,
    log: silentLog,
  });
  const { port } = await broker.start();
  cleanup(() => broker.stop());
  return { bus: broker.local(), url: (device: string) => `mqtt://${device}:secret@127.0.0.1:${port}` };
}
