import type { CommandLine } from "#shared/commandline";
import { sayUnit, type UnitFlags } from "../cli/say-unit.ts";
import { connect, terminal } from "./compose/connect.ts";

/** `muster unit`: what fields are measured in and called. */
export function unit(line: CommandLine): void {
  line
    .command("unit [words...]", "show and say what a field is measured in, and what it is called", "client")
    .usage(
      "[options]                                   what people have said\n       muster unit [options] DEVICE                            a device's fields\n       muster unit [options] DEVICE MEASUREMENT.FIELD [UNIT]\n       muster unit [options] --group GROUP|--default MEASUREMENT.FIELD [UNIT]",
    )
    .option("--group <group>", "for the devices in a group; a device's own word comes before it")
    .option("--default", "for all devices; a group's and a device's own come before it")
    .option("--title <text>", "what the field is called on charts")
    .option("--unset", "take unit and title back")
    .option("--json", "print documents")
    .addHelpText(
      "after",
      "\nExamples:\n  muster unit rpi-7 room.temperature °F --title 'Living room'\n  muster unit --default tank.level cm\n  muster unit rpi-7 room.temperature ''        a plain number\n  muster unit rpi-7 room.temperature --unset\n\nA person's word comes before what a device says itself, and that before what a field's name says.",
    )
    .action(
      line.once(async (values, words: readonly string[], flags: UnitFlags) =>
        terminal.out(await sayUnit(connect(values), words, flags, Date.now())),
      ),
    );
}
