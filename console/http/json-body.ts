import type { FastifyInstance } from "fastify";
import { asError, BadInputError } from "#shared/errors";
import { parseJson } from "#shared/nesting";

/**
 * Takes over the parsing of JSON bodies: the same door as for messages, where depth and width are counted before anything is parsed.
 * Form bodies are not taken at all, and a query string has no levels.
 */
export function readJsonBodies(app: FastifyInstance): void {
  // Plain text too, which a browser sends for any page without asking first.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "string" }, (_, body, done) => {
    try {
      done(null, parseBody(String(body)));
    } catch (thrown) {
      done(asError(thrown));
    }
  });
}

/** @throws BadInputError */
function parseBody(text: string): unknown {
  if (text === "") throw new BadInputError("the body is empty: expected JSON, or no content-type");
  try {
    return parseJson(text);
  } catch (cause) {
    if (cause instanceof BadInputError) throw new BadInputError(`the body's ${cause.message}`);
    throw new BadInputError(`the body is not valid JSON: ${asError(cause).message}`);
  }
}
