import type { CommandLine } from "#shared/commandline";
import type { Client } from "#api/client";
import type { JobDocument } from "#api/job-routes";
import { BadInputError } from "#shared/errors";
import { jobTable, jobText } from "../cli/job-list.ts";
import { asJson } from "../cli/text-table.ts";
import { connect, terminal } from "./compose/connect.ts";

/** `muster jobs`: lists jobs, and what can be done to one. */
export function jobs(line: CommandLine): void {
  line
    .command("jobs [action] [id]", "list jobs, or: jobs show|pause|resume|cancel ID", "client")
    .option("--limit <count>", "at most so many", "20")
    .option("--json", "print the API's documents")
    .action(
      line.once(
        async (
          values,
          action: string | undefined,
          id: string | undefined,
          flags: { limit: string; json?: boolean },
        ) => {
          const client = connect(values);
          const limit = Number(flags.limit);
          const found = action === undefined ? (await client.listJobs({ limit })).jobs : await act(client, action, id);
          if (flags.json) return terminal.out(asJson(found));
          terminal.out("devices" in found ? jobText(found) : jobTable(found, Date.now()));
        },
      ),
    );
}

function act(client: Client, action: string, id: string | undefined): Promise<JobDocument> {
  if (!/^(show|pause|resume|cancel)$/.test(action))
    throw new BadInputError(`jobs ${JSON.stringify(action)} is not known: expected show, pause, resume or cancel`);
  if (id === undefined) throw new BadInputError(`jobs ${action} needs a job's id; muster jobs lists them`);
  if (action === "show") return client.getJob(id);
  if (action === "cancel") return client.cancelJob(id);
  return action === "pause" ? client.pauseJob(id) : client.resumeJob(id);
}
