import type { RunningCommand } from "../handler.ts";

/** What a child gets of the agent's own environment: no secret of the agent's is among these. */
const inherited = ["PATH", "HOME", "LANG", "TMPDIR"];
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** A child's whole environment. */
export function environment(command?: RunningCommand, device?: string): Record<string, string> {
  const own = inherited.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]));
  return {
    PATH: defaultPath,
    ...(Object.fromEntries(own) as Record<string, string>),
    ...(device !== undefined && { MUSTER_DEVICE: device }),
    ...(command && { MUSTER_COMMAND_ID: command.id }),
    ...(command?.by !== undefined && { MUSTER_BY: oneLine(command.by) }),
  };
}

/** A name from outside: a NUL would make the start fail, and nobody expects two lines in a variable. */
function oneLine(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what it takes out
  return text.replaceAll(/[\u0000-\u001f\u007f]/g, "");
}
