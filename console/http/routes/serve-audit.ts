import { Readable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { ZodRoutes } from "../zod-routes.ts";
import type { AuditEntryDocument } from "#api/audit-routes";
import type { Audit } from "../../audit/audit.ts";
import { readAnchor } from "../../audit/anchor.ts";
import { lineOf, type AuditEntry } from "../../audit/entry.ts";
import { entriesAfter, search } from "../../audit/search.ts";
import { verify, type Witness } from "../../audit/verify.ts";
import type { Database } from "../../database/database.ts";
import { whoAsks } from "../audited-routes.ts";
import { listAnswer, maxPageLength, type Send } from "../list-pages.ts";
import { served } from "../serve.ts";
import type { Steps } from "../turns.ts";

/** What the routes of the audit log serve. */
export interface AuditRoutes {
  readonly audit: Audit;
  readonly database: Database;
  /** The data directory, which has the anchor. */
  readonly directory: string;
  readonly send: Send;
}

/** Entries of an export that are written in one turn of the event loop. */
const atOnce = 200;

/** Who did what. */
export const serveAudit =
  ({ audit, database, directory, send }: AuditRoutes): ZodRoutes =>
  async (app) => {
    app.route({
      ...served("listAudit"),
      handler: (request, reply) => {
        const { limit: most, before, ...query } = request.query;
        const steps = listAnswer({
          list: "entries",
          items: search(database, query, before === undefined ? undefined : Number(before)),
          document: toDocument,
          most,
          room: maxPageLength,
          before: { head: audit.head() ?? null },
          after: ({ last, more }) => ({ next: more && last ? String(last.n) : null }),
        });
        return send(request, reply, steps);
      },
    });

    app.route({
      ...served("verifyAudit"),
      handler: (request, reply) => {
        const { n, hash } = request.query;
        const noted = n === undefined || hash === undefined ? [] : [{ n, hash, where: "the place that was given" }];
        return send(request, reply, verdictAnswer(database, [readAnchor(directory) ?? [], noted].flat()));
      },
    });

    app.route({
      ...served("exportAudit"),
      handler: async (request, reply) => {
        const { after, limit } = request.query;
        if (after === undefined) audit.note({ ...whoAsks(request), what: "audit.exported" });
        reply.type("application/x-ndjson; charset=utf-8");
        // The schema's text, in pieces.
        return Readable.from(exported(database, after, limit)) as never;
      },
    });
  };

function toDocument({ detail, ...entry }: AuditEntry): AuditEntryDocument {
  return { ...entry, detail: JSON.parse(detail) as AuditEntryDocument["detail"] };
}

function* verdictAnswer(database: Database, witnesses: readonly Witness[]): Steps<Buffer> {
  const { first = null, head = null, ...rest } = yield* verify(database, witnesses);
  return Buffer.from(JSON.stringify({ ...rest, first, head }));
}

/** In pieces, each made when the one before has gone: others have their turn in between, and whoever reads slowly holds nobody up. */
async function* exported(database: Database, after?: number, limit = Infinity): AsyncGenerator<string, void, void> {
  let text = "";
  let count = 0;
  for (const entry of entriesAfter(database, after)) {
    if (!entry) continue;
    text += `${lineOf(entry)}\n`;
    count += 1;
    if (count >= limit) break;
    if (count % atOnce > 0) continue;
    yield text;
    text = "";
    await nextTurn();
  }
  if (text !== "") yield text;
}
