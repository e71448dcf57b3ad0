import type { Client } from "#api/client";
import { consoleHere } from "#shared/address";
import { commandStates, type CommandState } from "#shared/command-states";
import type { CommandLine } from "#shared/commandline";
import { BadInputError } from "#shared/errors";
import { isLoopback } from "#shared/loopback";
import { forTerminalBlock } from "#shared/printable";
import type { Settings } from "#shared/settings";
import { cliTokenName, cliUrlName, readSecret } from "../secrets.ts";
import { clientAt, listed } from "./client.ts";
import { fields, type FieldFlags } from "./fields.ts";
import { gapTable } from "./gap-table.ts";
import { isToMany, jobCommands, manyOptions, sendToMany, type ManyFlags } from "./jobs.ts";
import { commandTable, deviceTable } from "./list.ts";
import { story, type Terminal } from "./live.ts";
import { showQuarantine, type QuarantineFlags } from "./quarantine.ts";
import { refusedTable } from "./refused.ts";
import { send, stated, type SendFlags } from "./send.ts";
import { showSessions, type SessionFlags } from "./sessions.ts";
import { watch } from "./watch.ts";
import { asJson } from "./table.ts";

const terminal: Terminal = {
  // Each cell and line has been made safe already; this is for what somebody forgets.
  out: (text) => process.stdout.write(`${forTerminalBlock(text, "", Infinity)}\n`),
  err: (text) => process.stderr.write(text),
  live: process.stderr.isTTY,
  piped: !process.stdout.isTTY,
};

/** The commands that talk to a running console over its HTTP API. */
export function clientCommands(line: CommandLine): void {
  const define = (name: string, help: string): ReturnType<CommandLine["command"]> => line.command(name, help, "client");
  const once = line.once.bind(line);

  define("devices", "list the fleet")
    .option("--gaps", "list what of their samples is stored, missing and outstanding: from when to when, and why")
    .option("--json", "print the API's documents")
    .action(
      once(async (values, { gaps, json }: { gaps?: boolean; json?: boolean }) => {
        const client = connect(values);
        const print = <T>(documents: T, toTable: (documents: T) => string): void =>
          terminal.out(json ? asJson(documents) : toTable(documents));
        if (gaps)
          print(
            await listed(
              (after) => client.listCompleteness({ after }),
              (page) => page.devices,
            ),
            gapTable,
          );
        else
          print(
            await listed(
              (after) => client.listDevices({ after }),
              (page) => page.devices,
            ),
            (devices) => deviceTable(devices, Date.now()),
          );
      }),
    );

  manyOptions(define("send <device> [key]", "send a command and await its end; exit status 0 only when it succeeded"))
    .usage("[options] DEVICE KEY\n       muster send [options] --all|--group GROUP|--where CONDITIONS KEY")
    .option("--arg <name=value>", "an argument; may be given several times", (pair: string, all?: string[]) => [
      ...(all ?? []),
      pair,
    ])
    .option("--timeout <duration>", "how long to wait for the end (default: 5s; to many: as long as it takes)")
    .option("--ttl <duration>", "let it wait this long for a device that is offline")
    .option("--json", "print the command's document")
    .addHelpText(
      "after",
      "\nExamples:\n  muster send rpi-7 ping\n  muster send rpi-7 set-interval --arg seconds=5\n  muster send rpi-7 report --ttl 1h --timeout 1m\n  muster send --all ping\n  muster send --where os=linux,online=true report --rate 5 --canary 2 --abort failed=20%,min=5",
    )
    .action(
      once(async (values, device: string, key: string | undefined, flags: Omit<SendFlags, "timeout"> & ManyFlags) => {
        const client = connect(values);
        if (isToMany(flags)) {
          process.exitCode = await sendToMany(client, key === undefined ? [device] : [device, key], flags, terminal);
          return;
        }
        if (key === undefined) throw new BadInputError(`no key: expected muster send ${device} KEY, such as ping`);
        process.exitCode = await send(client, device, key, { ...flags, timeout: flags.timeout ?? "5s" }, terminal);
      }),
    );

  define("commands", "list commands, newest first")
    .option("--device <id>", "of one device")
    .option("--state <state>", "in one state, such as queued, running, succeeded")
    .option("--limit <count>", "at most so many", "20")
    .option("--json", "print the API's documents")
    .action(
      once(
        async (values, { device, state, limit, json }: Record<string, string> & { limit: string; json?: string }) => {
          if (state !== undefined && !isState(state))
            throw new BadInputError(`--state is "${state}": expected ${commandStates.join(", ")}`);
          const client = connect(values);
          const commands = await listed(
            (before, left) => client.listCommands({ device, state, limit: left, before }),
            (page) => page.commands,
            Number(limit),
          );
          // A device that was removed may have commands still; one that never was has none, and is probably mistyped.
          if (commands.length === 0 && device !== undefined) await client.getDevice(device);
          terminal.out(json ? asJson(commands) : commandTable(commands, Date.now(), device ?? state));
        },
      ),
    );

  const ofDevice = ["--device <id>", "whose command it is, where several devices have had one of this id"] as const;
  define("explain <id>", "tell a command's story, what it waits for and who acts next")
    .option(...ofDevice)
    .action(
      once(async (values, id: string, { device }: { device?: string }) =>
        terminal.out(story(await connect(values).getCommand(id, { device }))),
      ),
    );

  define("cancel <id>", "withdraw a command")
    .option(...ofDevice)
    .action(
      once(async (values, id: string, { device }: { device?: string }) => {
        const { state, explain } = await connect(values).cancelCommand(id, { device });
        terminal.out(stated(state, explain));
      }),
    );

  jobCommands(define, once, connect, terminal);

  define("sessions", "list who is logged in: your own sessions and tokens, or for an admin everybody's")
    .option("--end <id>", "end one, and what is open with it")
    .option("--json", "print the API's documents")
    .action(
      once(async (values, flags: SessionFlags) => terminal.out(await showSessions(connect(values), flags, Date.now()))),
    );

  define(
    "quarantine [device]",
    "list fields and series that were set aside instead of stored, and what to do about them",
  )
    .option("--forget", "begin the list anew; what is still wrong comes back by itself")
    .option("--json", "print the API's documents")
    .action(
      once(async (values, device: string | undefined, flags: QuarantineFlags) =>
        terminal.out(await showQuarantine(connect(values), device, flags, Date.now())),
      ),
    );

  define("refused [device]", "list what was refused of late and why, and what would have been taken")
    .option("--json", "print the API's documents")
    .action(
      once(async (values, device: string | undefined, { json }: { json?: boolean }) => {
        const { refusals } = await connect(values).listRefusals({ device });
        terminal.out(json ? asJson(refusals) : refusedTable(refusals, Date.now()));
      }),
    );

  define("field [name]", "list fields that devices see differently, or settle what one is")
    .option("--type <type>", "float, integer, string or boolean: what is held and fits is stored, the rest let go")
    .option("--json", "print the API's documents")
    .action(
      once(async (values, name: string | undefined, flags: FieldFlags) =>
        terminal.out(await fields(connect(values), name, flags, Date.now())),
      ),
    );

  define("watch [device]", "print live values, presence and commands until Ctrl-C").action(
    once(async (values, device: string | undefined) => {
      const stop = new AbortController();
      process.once("SIGINT", () => stop.abort());
      await watch(connect(values), device, terminal, stop.signal);
    }),
  );
}

function connect({ url, token, data, httpPort, listen }: Settings): Client {
  const address = url ?? consoleHere({ listen, httpPort });
  const access = token ?? readSecret(data, cliTokenName);
  if (access === undefined) {
    throw new BadInputError(
      `no login for the console: there is no ${cliTokenName} under ${data}/secrets; set MUSTER_TOKEN to NAME:PASSWORD or a token, or MUSTER_DATA to the console's data directory`,
    );
  }
  if (token === undefined && !isLoopback(address) && !isSameOrigin(address, readSecret(data, cliUrlName)))
    throw new BadInputError(
      `the login of ${data} is for the console on this machine, and is not sent to ${address}: set MUSTER_TOKEN to a login for that one`,
    );
  return clientAt(address, access, `${address} does not let us in: ${refused(token, data)}`);
}

function isState(text: string): text is CommandState {
  return commandStates.some((known) => known === text);
}

function refused(token: string | undefined, data: string): string {
  if (token === undefined)
    return `the token in ${data}/secrets/${cliTokenName} was ended, is old, or is for another Muster; the next start makes a new one`;
  if (token.includes(":")) return "the name or the password in MUSTER_TOKEN is wrong";
  return "the token in MUSTER_TOKEN is not known or has ended; a name and password are written NAME:PASSWORD";
}

function isSameOrigin(one: string, other: string | undefined): boolean {
  return other !== undefined && URL.canParse(other) && new URL(one).origin === new URL(other).origin;
}
