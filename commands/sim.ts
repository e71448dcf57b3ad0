import { existsSync } from "node:fs";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { systemClock as clock } from "#shared/clock";
import type { CommandLine } from "#shared/commandline";
import { BadInputError } from "#shared/errors";
import { createLog } from "#shared/log";
import { SafetyNet } from "#shared/safety-net";
import { secretFrom } from "#shared/secret-input";
import { serve } from "#shared/service";
import type { Settings } from "#shared/settings";
import { brokersPort } from "../console/accounts/secrets.ts";
import { brokerOf, elsewhere, idsOf, plan, simFlags, simulatedSecretVariable, type SimFlags } from "../sim/flags.ts";
import { bundlePath } from "../tls/paths.ts";
import { trustedBy } from "./compose/connect.ts";
import { mosquittoSide, rewriteMosquittoFiles } from "./compose/keep-mosquitto.ts";

/** `muster sim`: simulated devices. */
export function sim(line: CommandLine): void {
  simFlags(
    line.command(
      "sim",
      "run simulated devices: to try everything out without any, and to load a broker and a console",
      "sim",
    ),
  ).action(line.once(simulate));
}

/** Simulated devices; where the console's data directory is at hand they are enrolled first. */
async function simulate(values: Settings, flags: SimFlags): Promise<void> {
  const ids = idsOf(flags);
  const { isTls, ...place } = brokerOf(flags, values);
  const options = { ids, ...place, ...(isTls ? { tls: { ca: trustedHere(values) } } : {}), ...plan(flags, ids.length) };
  const given = await secretFrom({ flag: "--secret", value: flags.secret, file: flags.secretFile });
  const secret = given ?? process.env[simulatedSecretVariable] ?? (await enrollSimulated(values, ids));
  if (flags.enroll) return void process.stdout.write(`${elsewhere(flags, secret, placeForOthers(values))}\n`);
  const { root, interval, batchSize, logLevel } = values;
  const { runSim } = await import("../sim/run-sim.ts");
  const log = createLog("sim", logLevel);
  await serve(
    (lifetime) => runSim({ ...options, secret, root, interval, batchSize, clock, log }, { ...flags, lifetime }),
    new SafetyNet(log, clock),
  );
}

/** As the command line: those that it was given alone; else those of the data directory besides the system's. */
function trustedHere(values: Settings): readonly string[] | undefined {
  const trusted = trustedBy(values);
  return trusted && (trusted.alone ? [trusted.pem] : [...rootCertificates, trusted.pem]);
}

/** The port for devices on other machines; beyond loopback it is the one for TLS. */
function placeForOthers(values: Settings): { port: number; bundle: string | undefined } {
  const bundle = bundlePath(values.data);
  return existsSync(bundle) ? { port: values.mqttsPort, bundle } : { port: brokersPort(values), bundle: undefined };
}

async function enrollSimulated(values: Settings, ids: readonly string[]): Promise<string> {
  if (!existsSync(join(values.data, "muster.db")))
    throw new BadInputError(
      `there is no console's data in ${values.data}: start Muster first (npx muster start) and run this beside it, set MUSTER_DATA to its directory, or set ${simulatedSecretVariable}`,
    );
  const { openState } = await import("../console/state/state.ts");
  const { simulatedSecret } = await import("../console/accounts/secrets.ts");
  const state = openState(values.data, clock, createLog("console", values.logLevel), { syncsEach: true });
  try {
    const secret = await simulatedSecret(state, ids);
    await rewriteMosquittoFiles(await mosquittoSide(values), state);
    return secret;
  } finally {
    state.close();
  }
}
