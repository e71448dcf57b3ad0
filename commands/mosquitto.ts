import type { CommandLine } from "#shared/commandline";
import { prepareMosquitto } from "./compose/prepare-mosquitto.ts";
import { administer } from "./compose/administer.ts";

/** `muster mosquitto`: what an external Mosquitto has to know. */
export function mosquitto(line: CommandLine): void {
  line
    .command("mosquitto", "write the password and access files for an external Mosquitto", "mosquitto")
    .option("--no-admin", "make no secret for MQTT for admin")
    .action(administer(line, prepareMosquitto));
}
