import type * as z from "zod/mini";
import type { addresses, RouteName } from "./addresses.ts";
import type { Routes } from "./routes.ts";

/** A text for each part of a path that the caller gives: `/api/devices/:id` has one. */
type PartsOf<Path extends string> = Path extends `${string}/:${infer Rest}` ? [part: string, ...PartsOf<Rest>] : [];

type Sent<S> = S extends z.core.$ZodType ? z.input<S> : never;
type Told<S> = S extends z.core.$ZodType ? z.output<S> : never;
type Answers<N extends RouteName> = Routes[N]["answers"];

type BodyOf<N extends RouteName> = Routes[N] extends { readonly body: infer B } ? [body: Sent<B>] : [];
type QueryOf<N extends RouteName> = Routes[N] extends { readonly query: infer Q }
  ? Partial<Sent<Q>> extends Sent<Q>
    ? [query?: Sent<Q>]
    : [query: Sent<Q>]
  : [];

/** What a route is called with: the parts of its path, then what is sent, then what is asked for. */
export type CallOf<N extends RouteName> = [...PartsOf<(typeof addresses)[N]["path"]>, ...BodyOf<N>, ...QueryOf<N>];

/** What a route answers; nothing where there is nothing to say. */
export type AnswerOf<N extends RouteName> =
  Told<Answers<N>[keyof Answers<N>]> extends null ? void : Told<Answers<N>[keyof Answers<N>]>;
