import type {
  FastifyPluginAsync,
  FastifyPluginOptions,
  FastifySchemaCompiler,
  FastifySerializerCompiler,
  FastifyTypeProvider,
  RawServerDefault,
} from "fastify";
import * as z from "zod/mini";

/** By the schemas of a route, what its handler takes and gives. */
export interface ZodTypes extends FastifyTypeProvider {
  readonly validator: this["schema"] extends z.core.$ZodType ? z.output<this["schema"]> : unknown;
  readonly serializer: this["schema"] extends z.core.$ZodType ? z.output<this["schema"]> : unknown;
}

/** Routes of the contract. */
export type ZodRoutes = FastifyPluginAsync<FastifyPluginOptions, RawServerDefault, ZodTypes>;

/** What comes in is what the schema makes of it. */
export const checkBySchema: FastifySchemaCompiler<z.core.$ZodType> =
  ({ schema }) =>
  (data) => {
    const { error, data: value } = z.safeParse(schema, data);
    return error ? { error: error.issues.map(told) } : { value };
  };

/** What goes out is what the schema says, and nothing more. */
export const writeBySchema: FastifySerializerCompiler<z.core.$ZodType> =
  ({ schema, method, url }) =>
  (data) => {
    const { error, data: value } = z.safeEncode(schema, data);
    if (error) throw new Error(`an answer to ${method} ${url} does not fit its schema`, { cause: error });
    return JSON.stringify(value);
  };

/** In the words that Fastify makes a sentence of. */
function told({ code, path, message }: z.core.$ZodIssue) {
  const where = `/${path.join("/")}`;
  return { keyword: code, instancePath: where, schemaPath: `#${where}/${code}`, message, params: {} };
}
