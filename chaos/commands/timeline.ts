import type { Evidence } from "./evidence.ts";

interface Line {
  readonly at: number;
  readonly who: string;
  readonly what: string;
}

/** Milliseconds before a command's first mention that are told too: what was done to the processes then matters. */
const prelude = 500;

/** Everything that is known of a command, in order of time: who told it, what happened. */
export function timeline(token: string, id: string | undefined, evidence: Evidence): string {
  const own = [...ofFiles(token, evidence), ...ofHistory(id, evidence), ...ofWire(id, token, evidence)];
  const from = Math.min(...own.map(({ at }) => at)) - prelude;
  const to = Math.max(...own.map(({ at }) => at)) + prelude;
  const around = evidence.incidents.filter(({ at }) => at >= from && at <= to);
  const lines = [...own, ...around].sort((a, b) => a.at - b.at);
  const order = JSON.stringify(evidence.orders.find((one) => one.token === token));
  const row = evidence.rows.find((one) => one.id === id);
  return [
    `  order ${order}`,
    ...(row ? [`  row ${row.document}`] : []),
    ...lines.map(({ at, who, what }) => `  ${moment(at)} ${who.padEnd(9)} ${what}`),
  ].join("\n");
}

function ofFiles(token: string, { begins, effects, told }: Evidence): Line[] {
  return [
    ...begins
      .filter((one) => one.token === token)
      .map(({ at, who, pid }) => ({ at, who, what: `handler begins (pid ${pid})` })),
    ...effects
      .filter((one) => one.token === token)
      .map(({ at, who, pid }) => ({ at, who, what: `EFFECT (pid ${pid})` })),
    ...told
      .filter((one) => one.token === token)
      .map(({ at, what, state, detail }) => ({
        at,
        who: "caller",
        what: [what, state, detail].filter(Boolean).join(" "),
      })),
  ];
}

function ofHistory(id: string | undefined, { versions }: Evidence): Line[] {
  return versions
    .filter((one) => one.id === id)
    .map(({ at, state }) => ({ at, who: "history", what: `row is ${state}` }));
}

function ofWire(id: string | undefined, token: string, { seen }: Evidence): Line[] {
  return seen
    .filter(({ topic, text }) => (id !== undefined && topic.endsWith(`/${id}`)) || text.includes(`"${token}"`))
    .map(({ at, topic, text }) => ({ at, who: "wire", what: `${topic} ${text || "(empty)"}` }));
}

function moment(at: number): string {
  return new Date(at).toISOString().slice(11, 23);
}
