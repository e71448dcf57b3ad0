import type { Case } from "../case.ts";
import { deep, doubling } from "./births.ts";
import { files } from "./descriptors.ts";
import { foreignPages } from "./foreign-pages.ts";
import { logins } from "./logins.ts";
import { complaints, retained, streams, unreleased } from "./growth.ts";
import { everything, lists, unfolding } from "./queries.ts";
import { packets, websockets } from "./packets.ts";
import { payloads } from "./payloads.ts";
import { hostileText } from "./text.ts";
import { squatting } from "./field-types.ts";
import { machine } from "./machine.ts";
import { places, retainedShort } from "./places.ts";
import { foreignReplies, replyFlood } from "./replies.ts";
import { routes } from "./routes.ts";
import { signatures } from "./signatures.ts";
import { upgrades } from "./upgrades.ts";

/** Every attack, in the order in which they are tried. */
export const cases: readonly Case[] = [
  upgrades,
  files,
  doubling,
  deep,
  foreignReplies,
  places,
  retainedShort,
  replyFlood,
  signatures,
  logins,
  foreignPages,
  unreleased,
  complaints,
  streams,
  retained,
  everything,
  lists,
  unfolding,
  hostileText,
  squatting,
  machine,
  packets,
  websockets,
  payloads,
  routes,
];
