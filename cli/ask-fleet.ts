import type { Client } from "#api/client";
import type { FleetDocument } from "#api/fleet-routes";
import { pages } from "#api/pages";
import { systemClock } from "#shared/clock";
import { counted } from "#shared/counted";
import { formatDuration, parseDuration } from "#shared/duration";
import { cellText, ownColumns, parseSort, sortRows, tableCsv, type TableRow } from "#shared/fleet-table";
import { BadInputError } from "#shared/errors";
import { forTerminal, quoted } from "#shared/printable";
import { followJob } from "./job-table.ts";
import type { Terminal } from "./live-command.ts";
import { asJson, table } from "./text-table.ts";

export interface AskFlags {
  readonly fresh?: boolean;
  readonly timeout: string;
  readonly sort?: string;
  readonly csv?: boolean;
  readonly json?: boolean;
}

/** Milliseconds in which the values arrive of devices that have said that they sent some. */
const onTheirWay = 5_000;

/** Names from which on the console's list of them may be cut off. */
const wholeList = 1_000;
/** Names that an error lists. */
const maxListed = 60;

interface Asked {
  readonly columns: readonly string[];
  readonly rows: readonly TableRow[];
  /** Whoever did not answer, with the reason; of newest values alone nobody is asked. */
  readonly silent: readonly Unheard[];
  /** Whoever offers no such command, such as what only publishes: nothing is sent to it, and no failure. */
  readonly notAsked: readonly Unheard[];
}

interface Unheard {
  readonly device: string;
  readonly why: string;
}

/**
 * Asks a fleet for values: the newest that are known, or of samples that the devices take now.
 * @param where in the filter language; blank for all
 * @returns the exit status: 1 where somebody did not answer
 */
export async function askFleet(
  client: Client,
  where: string,
  columns: string,
  flags: AskFlags,
  terminal: Terminal,
): Promise<number> {
  const asked = flags.fresh
    ? await askAnew(client, where, columns, parseDuration(flags.timeout, "--timeout"))
    : { ...(await readTold(client, where, columns)), silent: [], notAsked: [] };
  const { silent, notAsked } = asked;
  const rows = flags.sort === undefined ? asked.rows : sortRows(asked.columns, asked.rows, parseSort(flags.sort));
  terminal.out(shown({ ...asked, rows }, flags));
  if (silent.length > 0 && !flags.json)
    terminal.err(`${counted(silent.length, "device")} did not answer:\n${listed(silent)}`);
  if (notAsked.length > 0 && !flags.json)
    terminal.err(`not asked, ${counted(notAsked.length, "device")}:\n${listed(notAsked)}`);
  return silent.length > 0 ? 1 : 0;
}

const listed = (devices: readonly Unheard[]): string =>
  devices.map(({ device, why }) => `  ${forTerminal(device)}: ${forTerminal(why)}\n`).join("");

function shown({ columns, rows, silent, notAsked }: Asked, { csv, json }: AskFlags): string {
  if (json) return asJson({ columns, rows, silent, notAsked });
  // A carriage return is nothing that a terminal is given.
  if (csv) return tableCsv(columns, rows).replaceAll("\r\n", "\n").trimEnd();
  if (rows.length === 0) return "no device fits";
  const head = columns.map((name) => (name === "id" ? "DEVICE" : name));
  return table(
    head,
    rows.map((row) => row.map((cell) => cellText(cell) || "–")),
  );
}

const isNothing = (cell: unknown): boolean =>
  cell === null || cell === undefined || cell === "" || (Array.isArray(cell) && cell.length === 0);

async function readFleet(
  client: Client,
  where: string,
  columns: string,
): Promise<{ columns: readonly string[]; rows: TableRow[] }> {
  const rows: TableRow[] = [];
  let names: readonly string[] = [];
  const query = { columns, ...(where.trim() === "" ? {} : { where }) };
  for await (const page of pages((after): Promise<FleetDocument> => client.getFleet({ ...query, after }))) {
    names = page.columns;
    rows.push(...page.rows);
  }
  return { columns: names, rows };
}

/** @throws BadInputError for a column that no device of the fleet tells: a slip of the pen would otherwise be a table of nothing */
async function readTold(client: Client, where: string, columns: string): ReturnType<typeof readFleet> {
  const read = await readFleet(client, where, columns);
  const empty = read.columns.filter(
    (name, at) => !ownColumns.some((own) => own === name) && read.rows.every((row) => (row[at] ?? null) === null),
  );
  if (read.rows.length === 0 || empty.length === 0) return read;
  const names = (await client.listFilterNames()).names.map(({ name }) => name);
  const unknown = empty.find((name) => !names.includes(name));
  // A longer list is cut off.
  if (unknown === undefined || names.length >= wholeList) return read;
  const isValue = (name: string): number => Number(name.includes("."));
  const there = [...names, ...ownColumns].sort((a, b) => isValue(a) - isValue(b) || (a < b ? -1 : 1));
  throw new BadInputError(
    `no device tells ${quoted(unknown)}; there are ${there.slice(0, maxListed).join(", ")}${there.length > maxListed ? ", …" : ""}`,
  );
}

/** Has each take a sample, and waits until it is there. */
async function askAnew(client: Client, where: string, columns: string, timeout: number): Promise<Asked> {
  const before = await readFleet(client, where, "sampled, signers");
  const last = new Map(before.rows.map(([id, at]) => [id, at]));
  if (last.size === 0) return { ...(await readFleet(client, where, columns)), silent: [], notAsked: [] };
  const order = { key: "report", rate: 1_000, ttl: timeout, timeout };
  const { devices } = await client.planJob({ ...order, target: { devices: [...last.keys()].map(String) } });
  // One that takes nothing without a signature could be asked, and is not: that is an answer that is missing.
  const signed = new Set(before.rows.flatMap(([id, , signers]) => (isNothing(signers) ? [] : [id])));
  const notAsked = devices.flatMap(({ device, verdict, why }) =>
    verdict === "refused" && !signed.has(device) ? [{ device, why: why ?? verdict }] : [],
  );
  const spared = new Set<unknown>(notAsked.map(({ device }) => device));
  const target = { devices: [...last.keys()].filter((id) => !spared.has(id)).map(String) };
  if (target.devices.length === 0) return { ...(await readTold(client, where, columns)), silent: [], notAsked };
  const stop = new AbortController();
  const fresh = new Set<unknown>();
  const events = client.events({ fleet: "sampled" }, stop.signal);
  let arrived = (): void => {};
  // From the first event on nothing is missed.
  await events.next();
  const listening = (async () => {
    for await (const { event, data } of events) {
      if (event !== "fleet") continue;
      for (const [id, at] of data.rows) if (at !== last.get(id ?? null)) fresh.add(id);
      arrived();
    }
  })().catch(() => {});
  try {
    const nobody: Terminal = { out: () => {}, err: () => {}, live: false };
    const job = await followJob(client, { ...order, target }, nobody);
    const answered = job.devices.filter(({ state }) => state === "succeeded").map(({ device }) => device);
    await new Promise<void>((resolve) => {
      const cancel = systemClock.after(onTheirWay, resolve);
      arrived = () => {
        if (!answered.every((device) => fresh.has(device))) return;
        cancel();
        resolve();
      };
      arrived();
    });
    const late = `no answer within ${formatDuration(timeout)}`;
    const silent = job.devices.flatMap(({ device, state, outcome }) => {
      if (state !== "succeeded") return [{ device, why: state === "timed_out" ? late : (outcome ?? state) }];
      return fresh.has(device) ? [] : [{ device, why: "it has sent a sample that is not here yet" }];
    });
    return { ...(await readTold(client, where, columns)), silent, notAsked };
  } finally {
    stop.abort();
    await listening;
  }
}
