import { join } from "node:path";

/**
 * Where an installation of the agent is on a device. The service manager starts the starter, and that the agent: the one that was installed, or a
 * version that `update` has brought and that has proven itself. An update writes into {@link state} alone, so that whatever becomes of it the starter
 * and the agent that was installed are there.
 */
export interface Layout {
  /** What `update` changes, for the agent's user to write: the names in {@link stateNames}. The starter and the agent have it as working directory. */
  readonly state: string;
  /** The agent's data directory. */
  readonly data: string;
  /** The agent that was installed: one file for Node (`.cjs`), or an executable. Where another one is put there, that one counts, and no update of before. */
  readonly program: string;
  /** See `starterText`. */
  readonly starter: string;
  /** Node's path; one that is not there any more, or was not given, is looked for at each start. */
  readonly node?: string | undefined;
}

/** In {@link Layout.state}. Each of the first four holds one line: a version's file name, and the checksum of the program upon which it came. */
export const stateNames = {
  /** The version in use. Without it, it is the program that was installed. */
  current: "current",
  /** One to be tried at the next start. */
  trial: "trial",
  /** One that was begun and has not proven itself yet. What ends as that is never begun again. */
  trying: "trying",
  /** One that was tried and came to nothing. */
  failed: "failed",
  /** Why, as a sentence. */
  why: "why",
  /** The end of what it said on standard error. */
  said: "said",
  /** The files of versions. */
  versions: "versions",
} as const;

/** The program that was installed: the one file for Node, or an executable. */
export const programNames = { node: "muster-agent.cjs", executable: "muster-agent" } as const;

/** All in one directory, as joining and ssh install it. */
export function layoutIn(directory: string, node?: string, program: string = programNames.node): Layout {
  return {
    state: directory,
    data: join(directory, "data"),
    program: join(directory, program),
    starter: join(directory, "start.sh"),
    node,
  };
}

/** As packages install it: programs apart from what changes. */
export const packagedLayout: Layout = {
  state: "/var/lib/muster-agent",
  data: "/var/lib/muster-agent/data",
  program: "/usr/lib/muster-agent/muster-agent.cjs",
  starter: "/usr/lib/muster-agent/start.sh",
};
