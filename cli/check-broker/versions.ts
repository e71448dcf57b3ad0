import { asError } from "#shared/errors";
import type { Bench } from "./bench.ts";
import { bad, good, type Check } from "./check-verdict.ts";

/** Which versions of MQTT the broker lets in; what comes after goes by the higher one. */
export const versions: Check = {
  what: "MQTT versions",
  async run(bench) {
    const [four, five] = [await refusal(bench, 4), await refusal(bench, 5)];
    bench.version = five === undefined ? 5 : 4;
    if (four === undefined && five === undefined) return good("3.1.1 and 5");
    if (four === undefined) return good(`3.1.1, and not 5 (${five}): Muster takes what there is`);
    if (five === undefined)
      return good(`5, and not 3.1.1 (${four}): leave MUSTER_MQTT_VERSION at auto, or set it to 5`);
    return bad(`nobody comes in, neither by 3.1.1 (${four}) nor by 5 (${five}): see to address, name and secret first`);
  },
};

async function refusal(bench: Bench, version: 4 | 5): Promise<string | undefined> {
  try {
    await (await bench.connect({ version })).end();
    return undefined;
  } catch (thrown) {
    return asError(thrown).message || "no connection";
  }
}
